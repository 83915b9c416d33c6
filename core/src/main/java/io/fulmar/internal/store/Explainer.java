package io.fulmar.internal.store;

import io.fulmar.Explanation;
import io.fulmar.Explanation.Accepted;
import io.fulmar.Explanation.InSource;
import io.fulmar.HeldChange;
import io.fulmar.HoldKind;
import io.fulmar.Operation;
import io.fulmar.Row;
import io.fulmar.Sync;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Says which rule applies to a key, and why. Stateless. */
public final class Explainer {
  private Explainer() {}

  /** The rules by which a key is sent or not, as the README lists them. */
  enum Rule {
    AMBIGUOUS("it has several rows, so none is delivered and what is remembered stays"),
    UNKNOWN_KEY("it is not in the model, and nothing is remembered of it"),
    NEW("its row has never been accepted"),
    NEW_AGAIN("its row has never been accepted and is tried again"),
    CHANGED("its row differs from what was accepted"),
    CHANGED_AGAIN("its row differs from what was accepted and is tried again"),
    SAME("the destination has accepted its row as it is"),
    CAME_BACK("its row is again what the destination has accepted"),
    CONFIRM("a call that gave no answer may have applied something else, so it is sent again"),
    EVERY_RUN("mode ALL sends every row in each run"),
    HELD("this version is held until it changes or is released"),
    ABSENT("it is not in the model, and the destination never accepted it"),
    TAKE_BACK("it is not in the model, and a call that gave no answer may have put it there"),
    REMOVED("it has left the model"),
    REMOVED_AGAIN("it has left the model, and its removal is tried again"),
    REMOVAL_IGNORED("it has left the model, and removals are ignored"),
    INSERTED_ONCE("its row differs from what was accepted, and mode INSERT does not send changes");

    private final String text;

    Rule(String text) {
      this.text = text;
    }

    /** The name in the README. */
    String id() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /**
   * Explains a key.
   *
   * @param sync what would run
   * @param rules under which
   * @param key the key
   * @param rows how many rows the source has for it
   * @param version of its row; null for none
   * @param row its row; null for none
   * @param memory what is remembered
   * @param now milliseconds since 1970
   */
  public static Explanation explain(
      Sync sync,
      Rules rules,
      Row key,
      int rows,
      @Nullable Version version,
      @Nullable Row row,
      Memory memory,
      long now) {
    Rules.Decision decision = rows > 1 ? Rules.Decision.NOTHING : rules.decide(version, memory);
    Rule rule = rows > 1 ? Rule.AMBIGUOUS : rule(version, memory, decision);
    InSource source =
        rows > 1 ? InSource.AMBIGUOUS : rows == 1 ? InSource.PRESENT : InSource.ABSENT;
    Accepted accepted =
        memory.accepted() == null
            ? Accepted.NOTHING
            : memory.accepted().equals(version) ? Accepted.THIS_VERSION : Accepted.OTHER_VERSION;
    Hold hold = memory.hold();
    HeldChange held = hold == null ? null : held(key, hold);
    Instant until = memory.until() > now ? Instant.ofEpochMilli(memory.until()) : null;
    return new Explanation(
        sync.name(),
        source,
        accepted,
        memory.gone(),
        held,
        until,
        decision.planned(),
        rule.id(),
        text(decision.planned(), rule, held, until),
        rows == 1 ? row : null);
  }

  private static String text(
      @Nullable Operation planned, Rule rule, @Nullable HeldChange held, @Nullable Instant until) {
    StringBuilder text = new StringBuilder();
    text.append(
        planned == null
            ? "The next run does not send this key: "
            : "The next run sends this key as " + planned + ": ");
    text.append(rule.text).append('.');
    if (until != null && planned != null) {
      text.append(" Not before ").append(until);
      text.append(", because a call that gave no answer may act until then.");
    }
    if (held != null) {
      text.append(" Remembered as ").append(held.kind());
      if (held.attempts() > 0) {
        text.append(" after ").append(held.attempts()).append(" attempts");
      }
      Optional<String> reason = held.reason();
      reason.ifPresent(why -> text.append(": ").append(why));
      text.append('.');
    }
    return text.toString();
  }

  private static Rule rule(@Nullable Version version, Memory memory, Rules.Decision decision) {
    Hold hold = memory.hold();
    boolean same = hold != null && Objects.equals(hold.version(), version);
    boolean unsure = hold != null && hold.unsure();
    Operation planned = decision.planned();
    if (planned == null) {
      if (decision.left() == Rules.Left.HELD) {
        return Rule.HELD;
      }
      if (version == null) {
        boolean ignored = memory.gone() || unsure || memory.accepted() != null;
        return ignored ? Rule.REMOVAL_IGNORED : hold == null ? Rule.UNKNOWN_KEY : Rule.ABSENT;
      }
      if (!version.equals(memory.accepted())) {
        return Rule.INSERTED_ONCE;
      }
      return hold == null ? Rule.SAME : Rule.CAME_BACK;
    }
    return switch (planned) {
      case REMOVED ->
          memory.accepted() == null ? Rule.TAKE_BACK : same ? Rule.REMOVED_AGAIN : Rule.REMOVED;
      case ADDED -> same && !isBare(hold) ? Rule.NEW_AGAIN : Rule.NEW;
      case CHANGED ->
          Objects.equals(version, memory.accepted())
              ? unsure || same ? Rule.CONFIRM : Rule.EVERY_RUN
              : same && !isBare(hold) ? Rule.CHANGED_AGAIN : Rule.CHANGED;
    };
  }

  private static boolean isBare(@Nullable Hold hold) {
    return hold != null && hold.kind() == HoldKind.OPEN && hold.changeId() == null;
  }

  /** A hold as the application sees it. */
  public static HeldChange held(Row key, Hold hold) {
    Version id = hold.changeId();
    HexFormat hex = HexFormat.of();
    return new HeldChange(
        key,
        hold.kind(),
        hold.version() == null ? HeldChange.Subject.REMOVAL : HeldChange.Subject.ROW,
        hold.attempts(),
        hold.firstAt() == 0 ? null : Instant.ofEpochMilli(hold.firstAt()),
        id == null ? null : hex.toHexDigits(id.high()) + hex.toHexDigits(id.low()),
        hold.unsure(),
        hold.reason() == null ? null : hold.reason().code(),
        hold.reason() == null ? null : hold.reason().message());
  }
}
