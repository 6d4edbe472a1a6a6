/** Exit codes. */
export const EXIT = {
  done: 0,
  violated: 1,
  usage: 2,
  undecided: 3,
  missing: 4,
  interrupted: 130,
  internal: 70,
} as const;
