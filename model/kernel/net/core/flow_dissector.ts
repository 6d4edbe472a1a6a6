/** Hashes of flows. */

/** The boot-time secret of flow hashes; another one distributes flows otherwise. C: net/core/flow_dissector.c, hashrnd. */
export const HASHRND = 0x9e3779b9;
