package io.fulmar.harness;

/** What a process has done to a store before it ended, or died. */
public enum Effect {
  /** It got the right to the sync; where there was no state, there is one. */
  CLAIMED,
  /** It settled a run that had died. */
  RECOVERED,
  /** It made every row due again. */
  RESYNCED,
  /** It keeps a plan for approval. */
  KEPT,
  /** It dropped the plan that waited for approval. */
  DISCARDED,
  /** It took the present rows as accepted. */
  TAKEN,
  /** It gave some held change another try. */
  RELEASED,
  /** It noted that the destination is about to be cleared. */
  CLEAR_BEGUN,
  /** It forgot everything, the destination being clear. */
  CLEARED,
  /** It began to deliver a plan. */
  OPENED,
  /** It folded a plan. */
  FOLDED,
  /** It removed the state. */
  FORGOTTEN,
  /** It made the state that of another destination. */
  REBOUND
}
