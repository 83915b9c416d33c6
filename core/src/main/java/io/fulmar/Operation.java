package io.fulmar;

/** What happened to a row in the source since the destination last accepted it. */
public enum Operation {
  /** The key is in the model now, and the destination has accepted no version of it. */
  ADDED,
  /** The row differs from the version that the destination accepted, or must be sent again. */
  CHANGED,
  /** The key is no longer in the model. */
  REMOVED
}
