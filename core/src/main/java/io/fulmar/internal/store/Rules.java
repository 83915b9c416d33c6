package io.fulmar.internal.store;

import io.fulmar.HoldKind;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.SyncMode;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is planned for a key and what is remembered afterwards: pure functions of the version in the
 * source, the memory of the key, and the outcome. Immutable and threadsafe.
 *
 * @param mode which changes are sent
 * @param removal what happens to rows that left the model
 * @param holdsSkipped whether skipped changes stay held: not after a change of mode or removal,
 *     which gives them another try
 * @param quarantineAttempts quarantine after this many attempts ...
 * @param quarantineAge ... and this long since the first
 * @param forgetAfter how long gone keys are remembered; null for ever
 */
public record Rules(
    SyncMode mode,
    Removal removal,
    boolean holdsSkipped,
    int quarantineAttempts,
    Duration quarantineAge,
    @Nullable Duration forgetAfter) {

  /**
   * What the fold does to a key besides taking in the outcome; bits of {@link Decision#effects}.
   */
  public static final int DROP_HOLD = 1;

  /** The key left the model, and nothing is sent. */
  public static final int SET_GONE = 2;

  /** The key is in the model again. */
  public static final int CLEAR_GONE = 4;

  /** What is remembered of the key is dropped, but for what may still act. */
  public static final int FORGET = 8;

  /** Why a key that differs is not planned, for the counts. */
  public enum Left {
    /** Nothing is due, or it is planned. */
    NOTHING,
    /** Quarantined or skipped in this version. */
    HELD,
    /** A removal under {@link Removal#IGNORE}, seen for the first time. */
    IGNORED
  }

  /**
   * What to do about a key.
   *
   * @param planned the operation to deliver; null for none
   * @param again whether it goes on with the attempts and the id of the hold
   * @param effects what the fold does besides
   * @param left why it is not planned
   */
  public record Decision(@Nullable Operation planned, boolean again, int effects, Left left) {
    static final Decision NOTHING = new Decision(null, false, 0, Left.NOTHING);
  }

  /**
   * Decides about a key whose rows are not ambiguous, for some request.
   *
   * @param request what is asked; for {@link PlanRequest.Kind#RESET}, what is planned counts as
   *     accepted and is not sent
   * @param source the version in the source; null if the key is absent
   * @param memory what is remembered
   */
  public Decision decide(PlanRequest.Kind request, @Nullable Version source, Memory memory) {
    return switch (request) {
      case RUN -> decide(source, memory);
      case RESYNC -> resync(source, memory);
      case RESET -> reset(source, memory);
      case FILL ->
          source == null ? Decision.NOTHING : new Decision(Operation.ADDED, false, 0, Left.NOTHING);
    };
  }

  private static Decision resync(@Nullable Version source, Memory memory) {
    if (source == null) {
      return Decision.NOTHING;
    }
    Operation operation = memory.accepted() == null ? Operation.ADDED : Operation.CHANGED;
    return new Decision(operation, false, memory.gone() ? CLEAR_GONE : 0, Left.NOTHING);
  }

  private static Decision reset(@Nullable Version source, Memory memory) {
    if (source == null) {
      boolean known = memory.accepted() != null || memory.hold() != null;
      return known ? new Decision(null, false, FORGET, Left.IGNORED) : Decision.NOTHING;
    }
    boolean settled = source.equals(memory.accepted()) && memory.hold() == null && !memory.gone();
    Operation operation = memory.accepted() == null ? Operation.ADDED : Operation.CHANGED;
    return settled ? Decision.NOTHING : new Decision(operation, false, 0, Left.NOTHING);
  }

  /**
   * The memory of a key that the application releases: what was quarantined or skipped comes back.
   *
   * @param memory what is remembered
   */
  public static Memory release(Memory memory) {
    Hold hold = memory.hold();
    boolean held =
        hold != null && (hold.kind() == HoldKind.QUARANTINED || hold.kind() == HoldKind.SKIPPED);
    return hold != null && held ? memory.withHold(again(hold)) : memory;
  }

  /**
   * Decides about a key whose rows are not ambiguous.
   *
   * @param source the version in the source; null if the key is absent
   * @param memory what is remembered
   */
  public Decision decide(@Nullable Version source, Memory memory) {
    Hold hold = converted(memory.hold());
    Version accepted = memory.accepted();
    int effects = source != null && memory.gone() ? CLEAR_GONE : 0;
    Hold same = hold != null && Objects.equals(hold.version(), source) ? hold : null;
    boolean held =
        same != null && (same.kind() == HoldKind.QUARANTINED || same.kind() == HoldKind.SKIPPED);
    boolean due =
        !Objects.equals(source, accepted)
            || (hold != null && hold.unsure())
            || (same != null && same.kind() == HoldKind.REJECTED)
            || (source != null && mode == SyncMode.ALL);
    if (held) {
      return new Decision(null, false, effects, Left.HELD);
    }
    Operation operation =
        source == null ? Operation.REMOVED : accepted == null ? Operation.ADDED : Operation.CHANGED;
    boolean unsent =
        operation == Operation.REMOVED
            ? removal == Removal.IGNORE
            : operation == Operation.CHANGED
                && mode == SyncMode.INSERT
                && !(hold != null && hold.unsure());
    if (due && !unsent) {
      boolean again = same != null && !isBareUnsure(same);
      return new Decision(operation, again, effects, Left.NOTHING);
    }
    if (due && operation == Operation.REMOVED) {
      boolean first = accepted != null && !memory.gone();
      effects |= first ? SET_GONE : 0;
      effects |= hold != null && !isBareUnsure(hold) ? DROP_HOLD : 0;
      return effects == 0
          ? Decision.NOTHING
          : new Decision(null, false, effects, first ? Left.IGNORED : Left.NOTHING);
    }
    if (hold != null && same == null && !isBareUnsure(hold)) {
      effects |= DROP_HOLD;
    }
    return effects == 0 ? Decision.NOTHING : new Decision(null, false, effects, Left.NOTHING);
  }

  /**
   * The change that a decision asks for.
   *
   * @param decision of {@link #decide}, with an operation
   * @param source the version in the source; null if the key is absent
   * @param memory what is remembered
   * @param newId the id of the change if it is planned for the first time
   * @param now milliseconds since 1970
   */
  public Planned planned(
      Decision decision, @Nullable Version source, Memory memory, Version newId, long now) {
    Operation operation = Objects.requireNonNull(decision.planned(), "decision.planned");
    Hold hold = decision.again() ? converted(memory.hold()) : null;
    Version id = hold == null ? null : hold.changeId();
    int attempts = hold == null ? 0 : hold.attempts();
    return new Planned(
        operation,
        source,
        id == null ? newId : id,
        attempts,
        hold == null || attempts == 0 ? now : hold.firstAt());
  }

  /**
   * The memory of a key after a run in which a change of it was planned.
   *
   * @param memory what was remembered before
   * @param planned the change
   * @param outcome what became of it
   * @param now milliseconds since 1970
   */
  public Memory settle(Memory memory, Planned planned, Outcome outcome, long now) {
    long until = Math.max(memory.until(), outcome.until());
    Hold before = converted(memory.hold());
    boolean unsure = outcome.unsure() || (before != null && before.unsure());
    int attempts = planned.attempts();
    Hold hold =
        switch (outcome.kind()) {
          case ACCEPTED -> null;
          case SKIPPED -> planned.hold(HoldKind.SKIPPED, attempts, unsure, outcome.reason());
          case REJECTED ->
              planned.hold(
                  rejected(attempts + 1, planned.firstAt(), now),
                  attempts + 1,
                  unsure,
                  outcome.reason());
          case REJECTED_TOGETHER ->
              planned.hold(HoldKind.REJECTED, attempts, unsure, outcome.reason());
          case UNKNOWN, UNKNOWN_ALONE -> open(before, planned, outcome, now);
          case NOT_TRIED -> outcome.unsure() ? open(before, planned, outcome, now) : memory.hold();
        };
    return outcome.kind() == Outcome.Kind.ACCEPTED
        ? new Memory(planned.version(), 0, null, until)
        : new Memory(memory.accepted(), memory.goneSince(), hold, until);
  }

  private Hold open(@Nullable Hold before, Planned planned, Outcome outcome, long now) {
    boolean alone = outcome.kind() == Outcome.Kind.UNKNOWN_ALONE;
    int attempts = planned.attempts() + (alone ? 1 : 0);
    HoldKind kind =
        before != null && Objects.equals(before.version(), planned.version())
            ? before.kind()
            : HoldKind.OPEN;
    if (alone && rejected(attempts, planned.firstAt(), now) == HoldKind.QUARANTINED) {
      kind = HoldKind.QUARANTINED;
    }
    return planned.hold(kind, attempts, true, outcome.reason());
  }

  private HoldKind rejected(int attempts, long firstAt, long now) {
    boolean enough = attempts >= quarantineAttempts && now - firstAt >= quarantineAge.toMillis();
    return enough ? HoldKind.QUARANTINED : HoldKind.REJECTED;
  }

  /**
   * The memory of a key after the effects that planning found.
   *
   * @param memory what is remembered, the outcome taken in
   * @param effects bits of {@link Decision#effects}
   * @param now milliseconds since 1970
   */
  public Memory affect(Memory memory, int effects, long now) {
    Memory after = memory;
    Hold hold = memory.hold();
    if ((effects & DROP_HOLD) != 0 && hold != null) {
      after =
          after.withHold(
              hold.unsure()
                  ? new Hold(hold.version(), HoldKind.OPEN, 0, 0, null, true, hold.reason())
                  : null);
    }
    if ((effects & FORGET) != 0) {
      after = new Memory(null, 0, null, after.until());
    }
    if ((effects & SET_GONE) != 0 && !after.gone()) {
      after = new Memory(after.accepted(), now, after.hold(), after.until());
    }
    if ((effects & CLEAR_GONE) != 0 && after.gone()) {
      after = new Memory(after.accepted(), 0, after.hold(), after.until());
    }
    return after;
  }

  /**
   * The memory of a key as a fold under these rules finds it: skipped changes get another try if
   * mode or removal have changed.
   *
   * @param memory what is remembered
   */
  public Memory renew(Memory memory) {
    Hold hold = converted(memory.hold());
    return hold == memory.hold() ? memory : memory.withHold(hold);
  }

  /**
   * The memory of a key after a fold that moved everything else forward: what has expired goes.
   *
   * @param memory what is remembered
   * @param now milliseconds since 1970
   */
  public Memory expire(Memory memory, long now) {
    long until = memory.until() > now ? memory.until() : 0;
    boolean forget =
        memory.gone()
            && memory.hold() == null
            && forgetAfter != null
            && now - memory.goneSince() >= forgetAfter.toMillis();
    if (forget) {
      return new Memory(null, 0, null, until);
    }
    return until == memory.until()
        ? memory
        : new Memory(memory.accepted(), memory.goneSince(), memory.hold(), until);
  }

  private @Nullable Hold converted(@Nullable Hold hold) {
    return hold != null && hold.kind() == HoldKind.SKIPPED && !holdsSkipped ? again(hold) : hold;
  }

  /** A held change that gets another try. */
  private static Hold again(Hold hold) {
    return new Hold(
        hold.version(),
        HoldKind.REJECTED,
        0,
        hold.firstAt(),
        hold.changeId(),
        hold.unsure(),
        hold.reason());
  }

  /** A hold of which only the unsure mark is left. */
  private static boolean isBareUnsure(Hold hold) {
    return hold.unsure() && hold.kind() == HoldKind.OPEN && hold.changeId() == null;
  }
}
