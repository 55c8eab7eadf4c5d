/**
 * TypeDoc plugin: the members of a type that has no name, such as one case of a union, are explained by what they
 * are part of. Everything that has a name needs a comment of its own.
 */
import { Application, ReflectionKind } from 'typedoc';

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.on(Application.EVENT_PROJECT_REVIVE, (project) => {
    const members = project
      .getReflectionsByKind(ReflectionKind.Property)
      .filter((member) => member.parent?.kindOf(ReflectionKind.TypeLiteral))
      // TypeDoc asks for no comment inside a parameter, and complains if it is told so.
      .filter((member) => !member.hasComment() && !isInParameter(member))
      .map((member) => member.getFriendlyFullName());
    app.options.setValue('intentionallyNotDocumented', [...new Set(members)]);
  });
}

/** @param {import('typedoc').Reflection | undefined} reflection */
function isInParameter(reflection) {
  if (reflection === undefined) return false;
  return reflection.kindOf(ReflectionKind.Parameter) || isInParameter(reflection.parent);
}
