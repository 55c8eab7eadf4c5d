// Jest's Node environment with plain globals.
//
// In a default `vm` context every look-up of a global (`Math`, `Uint8Array`, ...) goes through an
// interceptor, which makes a hot loop over 200 times slower. A context made with DONT_CONTEXTIFY has
// ordinary globals. Node 20.18 and later have it; older ones fall back to the stock behaviour.

const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');

class PlainGlobalEnvironment extends TestEnvironment {
  constructor(config, context) {
    const original = vm.createContext;
    if (vm.constants?.DONT_CONTEXTIFY !== undefined) {
      vm.createContext = () => original(vm.constants.DONT_CONTEXTIFY);
    }
    try {
      super(config, context);
    } finally {
      vm.createContext = original;
    }
  }
}

module.exports = PlainGlobalEnvironment;
module.exports.TestEnvironment = PlainGlobalEnvironment;
