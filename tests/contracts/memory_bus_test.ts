import { openMemoryBus } from "@lucid/runtime/bus/memory";
import { testBus } from "./bus.ts";

testBus({
  name: "memory",
  open() {
    const bus = openMemoryBus();
    return Promise.resolve({ a: bus, b: bus, end: () => bus.close() });
  },
});
