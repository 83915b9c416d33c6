package io.fulmar.internal.store;

/** How much of a model a plan or a run is about. */
public enum Extent {
  /** All of it: its definition is the one that later ones are compared with. */
  WHOLE,
  /** Some rows, as a trial or for a repair: its definition has not been approved by it. */
  PART
}
