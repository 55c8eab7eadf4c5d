/**
 * The composition root's container: one module loads the metadata polyfill and re-exports what everybody
 * else uses of tsyringe, so that the polyfill always comes first.
 */
import 'reflect-metadata';

export {
  container,
  type DependencyContainer,
  type InjectionToken,
  inject,
  injectAll,
  injectable,
} from 'tsyringe';
