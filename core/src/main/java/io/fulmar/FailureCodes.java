package io.fulmar;

/**
 * The codes that Fulmar itself gives to failed changes. Every other code comes from the
 * destination.
 */
public final class FailureCodes {
  /**
   * The row is larger than {@link Sync.Builder#maxRowBytes}; it was never handed to the
   * destination.
   */
  public static final String ROW_TOO_LARGE = "FULMAR_ROW_TOO_LARGE";

  /** The call ended without an answer for this change; it may or may not have been applied. */
  public static final String UNKNOWN_OUTCOME = "FULMAR_UNKNOWN_OUTCOME";

  /**
   * The destination's answer broke its contract (a change named twice, or one that was not asked).
   */
  public static final String CONTRACT_VIOLATION = "FULMAR_CONTRACT_VIOLATION";

  /**
   * A computed column of the {@link Mapping} could not be computed: its function threw. The row was
   * never handed to the destination.
   */
  public static final String COMPUTE_FAILED = "FULMAR_COMPUTE_FAILED";

  /**
   * A computed column of the {@link Mapping} has a value that no row can have: of a type that
   * {@link Row} does not document, or one that PostgreSQL could not hold. The row was never handed
   * to the destination. Destinations that write JSON give it, too, for half a surrogate pair, and
   * for a column of JSON that is none.
   */
  public static final String VALUE_WITHOUT_FORM = "FULMAR_VALUE_WITHOUT_FORM";

  private FailureCodes() {}
}
