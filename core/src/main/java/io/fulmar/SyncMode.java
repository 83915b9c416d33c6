package io.fulmar;

/**
 * Which changes a sync sends, and as which {@link Action}. What happens to rows that left the model
 * is {@link Removal}.
 */
public enum SyncMode {
  /** Added and changed rows are sent as {@link Action#UPSERT}. The default. */
  UPSERT,
  /** Added rows are sent as {@link Action#INSERT}; changed rows are not sent. */
  INSERT,
  /** Added and changed rows are sent as {@link Action#UPDATE}. */
  UPDATE,
  /** Every valid row is sent as {@link Action#UPSERT} in every run, changed or not. */
  ALL
}
