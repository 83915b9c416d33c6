package io.fulmar;

import java.util.Objects;

/**
 * Rows of the model that cannot be delivered because of their key. They are counted and reported,
 * never sent.
 *
 * @param reason why
 * @param key the key columns; its values are shown to whoever asks this object, not by {@code
 *     toString()}
 * @param rows how many rows of the model have this key
 */
public record InvalidRow(Reason reason, Row key, long rows) {
  /** Why a row is invalid. */
  public enum Reason {
    /** A key column is NULL. */
    NULL_KEY,
    /** The key occurs more than once in the model; none of its rows is sent. */
    DUPLICATE_KEY,
    /**
     * The key is larger than the limit for keys: 8,192 bytes for each column; in Lightning 2,000
     * bytes for all that are text, bytea or numeric.
     */
    KEY_TOO_LARGE
  }

  /** Checks that all parts are there. */
  public InvalidRow {
    Objects.requireNonNull(reason, "reason");
    Objects.requireNonNull(key, "key");
  }
}
