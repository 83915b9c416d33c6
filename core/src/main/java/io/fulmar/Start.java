package io.fulmar;

/** What a sync without a state begins with: {@link SyncEngine#initialise}. */
public enum Start {
  /** Nothing has been accepted: the first run sends every row. */
  SEND,
  /** The destination holds the present rows of the model: only later changes are sent. */
  BASELINE
}
