package io.fulmar.spi;

import java.util.Objects;

/** A destination's answer for one change. */
public sealed interface Verdict {

  /** The destination holds this version now. */
  record Accepted() implements Verdict {}

  /**
   * The destination's final answer that there is nothing to do for this version: absent for an
   * update, present for an insert. The change is held until the row changes.
   */
  record Skipped() implements Verdict {}

  /**
   * The destination refuses this change. It comes back in later runs, in its newest version.
   *
   * @param code short and stable, for grouping: {@code "INVALID_EMAIL"}
   * @param message for a human; should not hold values of the row
   * @param retry whether to try again in this run
   */
  record Rejected(String code, String message, Retry retry) implements Verdict {
    /** Checks that all parts are there. */
    public Rejected {
      Objects.requireNonNull(code, "code");
      Objects.requireNonNull(message, "message");
      Objects.requireNonNull(retry, "retry");
    }
  }

  /** When a rejected change is tried again. */
  enum Retry {
    /** In the next run. */
    NEXT_RUN,
    /** Also within this run, with backoff. */
    THIS_RUN
  }
}
