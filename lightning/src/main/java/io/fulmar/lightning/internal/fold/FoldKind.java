package io.fulmar.lightning.internal.fold;

/** What a fold takes for the outcome of a plan. */
public enum FoldKind {
  /** What the ledger says, of a run that went to its end: what planning found besides, too. */
  DELIVERED,
  /** What the ledger says, of a run that died: nothing besides. */
  INTERRUPTED,
  /** Everything counts as accepted, though nothing was sent; and what planning found besides. */
  TAKEN
}
