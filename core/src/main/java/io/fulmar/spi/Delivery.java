package io.fulmar.spi;

import io.fulmar.Change;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A destination's answer to a batch, change by change. Immutable.
 *
 * <p>A change that is not named has an unknown outcome and is sent again. An answer that names a
 * change twice, or one that was not in the batch, breaks the contract: then the outcome of the
 * whole batch is unknown.
 */
public final class Delivery {
  private static final Delivery ALL_ACCEPTED = new Delivery(List.of(), Unnamed.ACCEPTED);

  private final List<Answer> answers;
  private final Unnamed unnamed;

  private Delivery(List<Answer> answers, Unnamed unnamed) {
    this.answers = List.copyOf(answers);
    this.unnamed = unnamed;
  }

  /** What becomes of changes that have no answer of their own. */
  public enum Unnamed {
    /** They are accepted. */
    ACCEPTED,
    /** Their outcome is unknown. */
    UNKNOWN
  }

  /**
   * The answer for one change.
   *
   * @param changeId which change: {@link Change#changeId}
   * @param verdict the answer
   */
  public record Answer(String changeId, Verdict verdict) {
    /** Checks that all parts are there. */
    public Answer {
      Objects.requireNonNull(changeId, "changeId");
      Objects.requireNonNull(verdict, "verdict");
    }
  }

  /** Every change of the batch is accepted. */
  public static Delivery allAccepted() {
    return ALL_ACCEPTED;
  }

  /** Every change is accepted but those that the builder names. */
  public static Builder acceptedExcept() {
    return new Builder(Unnamed.ACCEPTED);
  }

  /** Only what the builder names has an answer. */
  public static Builder builder() {
    return new Builder(Unnamed.UNKNOWN);
  }

  /** The answers, in the order in which they were given. */
  public List<Answer> answers() {
    return answers;
  }

  /** What becomes of changes that have no answer of their own. */
  public Unnamed unnamed() {
    return unnamed;
  }

  /** Collects answers. Not threadsafe. */
  public static final class Builder {
    private final List<Answer> answers = new ArrayList<>();
    private final Unnamed unnamed;

    private Builder(Unnamed unnamed) {
      this.unnamed = unnamed;
    }

    /** The destination holds this version now. */
    public Builder accepted(Change change) {
      return answer(id(change), new Verdict.Accepted());
    }

    /** There is nothing to do for this version. */
    public Builder skipped(Change change) {
      return answer(id(change), new Verdict.Skipped());
    }

    /**
     * The destination refuses this change; it comes back in the next run.
     *
     * @param change the change
     * @param code short and stable, for grouping
     * @param message for a human; should not hold values of the row
     */
    public Builder rejected(Change change, String code, String message) {
      return answer(id(change), new Verdict.Rejected(code, message, Verdict.Retry.NEXT_RUN));
    }

    /**
     * Any verdict for any change, for destinations that answer by id.
     *
     * @param changeId {@link Change#changeId}
     * @param verdict the answer
     */
    public Builder answer(String changeId, Verdict verdict) {
      answers.add(new Answer(changeId, verdict));
      return this;
    }

    private static String id(Change change) {
      return Objects.requireNonNull(change, "change").changeId();
    }

    /** The delivery. */
    public Delivery build() {
      return new Delivery(answers, unnamed);
    }
  }
}
