package io.fulmar.testkit;

import io.fulmar.Change;
import io.fulmar.spi.Verdict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A line of the script of a {@link RecordingDestination}: for which changes or call, and what it
 * does then. One answer holds until the end of the test, or as many times as {@link #times} says;
 * after that the next one of the line, and after the last one the line no longer applies.
 *
 * <pre>{@code
 * crm.whenKey(7L).reject("BAD").times(2);                      // then accepted
 * crm.whenKey(8L).unknown().times(1).skip();
 * crm.onCall(3).notApplied(Duration.ofSeconds(30)).times(1);
 * }</pre>
 *
 * <p>A verdict ({@link #accept}, {@link #reject}, {@link #skip}, {@link #unknown}) is of one
 * change, and counts once for each. Whatever else befalls the whole batch in which such a change
 * is, and counts once for each call. Lines that were written first win. This class is threadsafe.
 */
public final class ScriptLine {
  private final RecordingDestination destination;
  private final String when;
  private final Predicate<Change> matches;
  private final int call;
  private final List<Step> steps = new ArrayList<>();
  private int at;

  /** What a line does to whole calls. */
  enum Effect {
    NOT_APPLIED,
    BATCH_REJECTED,
    STOP_RUN,
    THROW_BEFORE,
    THROW_AFTER,
    HANG,
    HANG_ON
  }

  /** What a line does; a verdict if there is no effect, and null stands for none. */
  static final class Step {
    private static final int ALWAYS = -1;

    final String name;
    final @Nullable Effect effect;
    final @Nullable Verdict verdict;
    final String code;
    final @Nullable Duration retryAfter;
    private int times = ALWAYS;
    private int used;

    Step(
        String name,
        @Nullable Effect effect,
        @Nullable Verdict verdict,
        String code,
        @Nullable Duration retryAfter) {
      this.name = name;
      this.effect = effect;
      this.verdict = verdict;
      this.code = code;
      this.retryAfter = retryAfter;
    }

    private boolean isSpent() {
      return times != ALWAYS && used == times;
    }

    private boolean isUnused() {
      return times == ALWAYS ? used == 0 : used < times;
    }

    private String text() {
      return times == ALWAYS ? name : name + ".times(" + times + ")";
    }
  }

  /** {@code call}: number of the one call that it is about; 0 for any. */
  ScriptLine(RecordingDestination destination, String when, Predicate<Change> matches, int call) {
    this.destination = destination;
    this.when = when;
    this.matches = matches;
    this.call = call;
  }

  /** Accepts such changes, whatever {@link RecordingDestination#verdicts} says of them. */
  public ScriptLine accept() {
    return verdict("accept()", new Verdict.Accepted());
  }

  /**
   * Rejects such changes; they come back in the next run.
   *
   * @param code short and stable, for grouping
   */
  public ScriptLine reject(String code) {
    return reject(code, "rejected by the script of the test", Verdict.Retry.NEXT_RUN);
  }

  /**
   * Rejects such changes.
   *
   * @param code short and stable, for grouping
   * @param message for a human
   * @param retry whether to try again in this run
   */
  public ScriptLine reject(String code, String message, Verdict.Retry retry) {
    return verdict("reject(" + code + ")", new Verdict.Rejected(code, message, retry));
  }

  /** Says that there is nothing to do for such changes. */
  public ScriptLine skip() {
    return verdict("skip()", new Verdict.Skipped());
  }

  /** Leaves such changes out of the answer, which makes their outcome unknown. */
  public ScriptLine unknown() {
    return verdict("unknown()", null);
  }

  /** Applies nothing of the batch and says so: it is to come again. */
  public ScriptLine notApplied() {
    return effect("notApplied()", Effect.NOT_APPLIED, "", null);
  }

  /**
   * Applies nothing of the batch and says so: it is to come again.
   *
   * @param retryAfter not before this has passed
   */
  public ScriptLine notApplied(Duration retryAfter) {
    Objects.requireNonNull(retryAfter, "retryAfter");
    return effect("notApplied(" + retryAfter + ")", Effect.NOT_APPLIED, "", retryAfter);
  }

  /**
   * Applies nothing of the batch and says that it never will.
   *
   * @param code short and stable, for grouping
   */
  public ScriptLine rejectBatch(String code) {
    return effect("rejectBatch(" + code + ")", Effect.BATCH_REJECTED, code, null);
  }

  /**
   * Applies nothing of the batch and ends the run.
   *
   * @param code short and stable, for grouping
   */
  public ScriptLine stopRun(String code) {
    return effect("stopRun(" + code + ")", Effect.STOP_RUN, code, null);
  }

  /** Throws an {@link java.io.IOException} that says nothing, and has applied nothing. */
  public ScriptLine throwBeforeApplying() {
    return effect("throwBeforeApplying()", Effect.THROW_BEFORE, "", null);
  }

  /** Throws an {@link java.io.IOException} that says nothing, and has applied the whole batch. */
  public ScriptLine throwAfterApplying() {
    return effect("throwAfterApplying()", Effect.THROW_AFTER, "", null);
  }

  /**
   * Does not answer until {@link RecordingDestination#letGo}, and accepts then; an interrupt ends
   * the call before anything is applied.
   */
  public ScriptLine hang() {
    return effect("hang()", Effect.HANG, "", null);
  }

  /**
   * Does not answer until {@link RecordingDestination#letGo}, interrupted or not, and accepts then:
   * a late call.
   */
  public ScriptLine hangIgnoringInterrupts() {
    return effect("hangIgnoringInterrupts()", Effect.HANG_ON, "", null);
  }

  /**
   * Bounds the answer that was given last.
   *
   * @param count how often it is given, 1 or more; it must be used as often
   * @throws IllegalStateException if there is none, or it is bounded already
   */
  public ScriptLine times(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("count must be at least 1, is " + count);
    }
    synchronized (destination) {
      if (steps.isEmpty() || last().times != Step.ALWAYS) {
        throw new IllegalStateException("times(" + count + ") follows an answer: " + text());
      }
      last().times = count;
      return this;
    }
  }

  private Step last() {
    return steps.get(steps.size() - 1);
  }

  private ScriptLine verdict(String name, @Nullable Verdict verdict) {
    return add(new Step(name, null, verdict, "", null));
  }

  private ScriptLine effect(
      String name, Effect effect, String code, @Nullable Duration retryAfter) {
    Objects.requireNonNull(code, "code");
    return add(new Step(name, effect, null, code, retryAfter));
  }

  private ScriptLine add(Step step) {
    synchronized (destination) {
      if (!steps.isEmpty() && last().times == Step.ALWAYS) {
        throw new IllegalStateException(
            "an answer without times(n) has no end, so nothing follows it: " + text());
      }
      steps.add(step);
      return this;
    }
  }

  /** What it does to a change now; null if it says nothing of it. */
  @Nullable Step stepFor(int callNumber, Change change) {
    boolean about = call == 0 ? matches.test(change) : call == callNumber;
    return about && at < steps.size() ? steps.get(at) : null;
  }

  /** The step has been used once more. */
  void use(Step step) {
    step.used++;
    while (at < steps.size() && steps.get(at).isSpent()) {
      at++;
    }
  }

  /** What the test asked for and did not happen; null for nothing. */
  @Nullable String leftOver() {
    if (steps.isEmpty()) {
      return text() + ": says nothing. Let an answer follow it";
    }
    for (Step step : steps) {
      if (step.isUnused()) {
        return text()
            + ": "
            + step.text()
            + (step.used == 0 ? " was never used" : " was used " + step.used + " times");
      }
    }
    return null;
  }

  private String text() {
    StringBuilder text = new StringBuilder(when);
    steps.forEach(step -> text.append('.').append(step.text()));
    return text.toString();
  }

  /** The line as it is written. */
  @Override
  public String toString() {
    synchronized (destination) {
      return text();
    }
  }
}
