package io.fulmar.harness;

import io.fulmar.HoldKind;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.SyncMode;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Section 5a of the design by the letter, for one key: what is planned, and what is remembered
 * afterwards. The reference that the library's own rules, stores and engines are held against, so
 * it shares nothing with them but the words: versions are strings, and every sentence of 5a is one
 * statement here. A rule can be left out, to see that whoever compares notices.
 */
public final class Reference5a {
  /** Version of a key with more than one row. */
  public static final String AMBIGUOUS = "?";

  /** The rules that can be left out. */
  public enum Rule {
    /** An unsure change is due, whatever the versions say. */
    UNSURE_IS_DUE,
    /** A rejected version is due again. */
    REJECTED_IS_DUE,
    /** A quarantined or skipped version is not planned. */
    HELD_IS_SUPPRESSED,
    /** Attempts and id restart when the version is another. */
    OTHER_VERSION_STARTS_ANEW,
    /** A hold for another version goes when nothing is planned. */
    HOLD_OF_OTHER_VERSION_IS_DROPPED,
    /** The unsure mark stays when its hold is dropped. */
    UNSURE_OUTLIVES_ITS_HOLD,
    /** The unsure mark stays when a later call is answered otherwise than by acceptance. */
    UNSURE_OUTLIVES_LATER_ANSWERS,
    /** The unsure mark of earlier runs stays until an acceptance. */
    UNSURE_OUTLIVES_RUNS,
    /** Nothing is remembered of a change that was not tried. */
    NOT_TRIED_CHANGES_NOTHING,
    /** A key that left under IGNORE is gone. */
    IGNORED_KEY_IS_GONE,
    /** A valid row ends being gone. */
    RETURN_ENDS_GONE,
    /** An ambiguous key plans nothing and keeps its memory. */
    AMBIGUOUS_KEY_STAYS,
    /** Under INSERT, changed rows are not sent. */
    INSERT_SENDS_NO_CHANGES,
    /** Skipped changes come back when mode or removal change. */
    NEW_SETTINGS_RETRY_SKIPPED,
    /** Quarantine needs age as well as attempts. */
    QUARANTINE_NEEDS_AGE,
    /** An unknown outcome of a batch of several is no attempt. */
    BATCH_OF_SEVERAL_IS_NO_ATTEMPT,
    /** The moment until which a call may act outlives an acceptance. */
    UNTIL_OUTLIVES_ACCEPTANCE,
    /** A full resync sends held rows too. */
    RESYNC_SENDS_HELD_ROWS,
    /** Attempts and id begin anew in a full resync. */
    RESYNC_STARTS_ANEW,
    /** A full resync leaves absent keys as they are remembered. */
    RESYNC_LEAVES_ABSENT_KEYS,
    /** What a full resync has begun stays due until it is accepted. */
    RESYNC_STAYS_DUE,
    /** A reset takes the present rows as accepted. */
    RESET_TAKES_ROWS,
    /** A reset forgets absent keys. */
    RESET_FORGETS_ABSENT_KEYS,
    /** A reset drops what is held. */
    RESET_DROPS_HOLDS,
    /** A reset leaves the moment until which a call may act. */
    RESET_LEAVES_UNTIL,
    /** A clear of the destination drops everything that is remembered. */
    CLEAR_FORGETS,
    /** Into a cleared destination, every valid row goes as added. */
    FILL_ADDS_EVERY_ROW,
    /** A release gives skipped changes another try. */
    RELEASE_FREES_SKIPPED,
    /** A release gives quarantined changes another try. */
    RELEASE_FREES_QUARANTINED,
    /** A release forgets the attempts. */
    RELEASE_STARTS_ANEW
  }

  /** What came out of one call that carried a change. */
  public enum Call {
    /** Accepted. */
    ACCEPTED,
    /** Rejected by name. */
    REJECTED,
    /** Rejected as part of a batch. */
    REJECTED_WITH_OTHERS,
    /** Nothing to do. */
    SKIPPED,
    /** No answer to a call with several changes. */
    UNKNOWN,
    /** No answer to a call with this change alone. */
    UNKNOWN_ALONE,
    /** Nothing was applied, and nothing is known. */
    NOT_APPLIED
  }

  /**
   * What the rules depend on besides the key.
   *
   * @param mode which changes are sent
   * @param removal what happens to rows that left
   * @param changed whether mode or removal are others than in the last folded run
   * @param quarantineAttempts quarantine after so many attempts ...
   * @param quarantineAge ... and so long, in ms
   * @param forgetAfter forgets gone keys after so long, in ms; 0 for never
   */
  public record Settings(
      SyncMode mode,
      Removal removal,
      boolean changed,
      int quarantineAttempts,
      long quarantineAge,
      long forgetAfter) {}

  /**
   * H, the hold.
   *
   * @param version V; null for a removal
   * @param kind why it is held
   * @param attempts runs that tried it
   * @param firstAt when the first did
   * @param id change id; null when only the unsure mark is left
   * @param unsure whether a call may have applied something
   */
  public record Held(
      @Nullable String version,
      HoldKind kind,
      int attempts,
      long firstAt,
      @Nullable String id,
      boolean unsure) {}

  /**
   * What is remembered of a key.
   *
   * @param accepted A; null for none
   * @param goneSince when it became gone; 0 if it is live
   * @param held H; null for none
   * @param until the moment until which a call may still act; 0 for none
   */
  public record Remembered(
      @Nullable String accepted, long goneSince, @Nullable Held held, long until) {
    /** Nothing. */
    public static final Remembered NOTHING = new Remembered(null, 0, null, 0);

    boolean gone() {
      return goneSince != 0;
    }
  }

  /**
   * What a run does about a key.
   *
   * @param source W
   * @param operation what is planned; null for nothing
   * @param id the id of the hold that goes on; null if the change gets a new one
   * @param attempts earlier attempts of this change
   * @param firstAt when the first was; 0 if there was none
   * @param held whether nothing is planned because the version is held
   * @param ignored whether nothing is sent because the key has just left under IGNORE
   */
  public record Step(
      @Nullable String source,
      @Nullable Operation operation,
      @Nullable String id,
      int attempts,
      long firstAt,
      boolean held,
      boolean ignored) {}

  private final Settings settings;
  private final Set<Rule> leftOut;

  /** All rules. */
  public Reference5a(Settings settings) {
    this(settings, EnumSet.noneOf(Rule.class));
  }

  /** All rules but some. */
  public Reference5a(Settings settings, Set<Rule> leftOut) {
    this.settings = settings;
    this.leftOut = Set.copyOf(leftOut);
  }

  /**
   * What is planned for a key.
   *
   * @param w the version in the source; null for absent
   * @param m what is remembered
   */
  public Step plan(@Nullable String w, Remembered m) {
    if (isAmbiguous(w)) {
      return nothing(w, false, false);
    }
    Held h = current(m.held());
    boolean same = h != null && Objects.equals(h.version(), w);
    boolean unsure = h != null && h.unsure();
    boolean rejected = same && h.kind() == HoldKind.REJECTED;
    boolean due =
        !Objects.equals(w, m.accepted())
            || (unsure && on(Rule.UNSURE_IS_DUE))
            || (rejected && on(Rule.REJECTED_IS_DUE))
            || (w != null && settings.mode() == SyncMode.ALL);
    if (isSuppressed(h, w)) {
      return nothing(w, true, false);
    }
    if (!due) {
      return nothing(w, false, false);
    }
    if (w == null && settings.removal() == Removal.IGNORE) {
      return nothing(w, false, m.accepted() != null && !m.gone());
    }
    Operation operation =
        w == null ? Operation.REMOVED : m.accepted() == null ? Operation.ADDED : Operation.CHANGED;
    boolean insertOnly = settings.mode() == SyncMode.INSERT && on(Rule.INSERT_SENDS_NO_CHANGES);
    if (operation == Operation.CHANGED && insertOnly && !unsure) {
      return nothing(w, false, false);
    }
    boolean goesOn = h != null && h.id() != null && (same || !on(Rule.OTHER_VERSION_STARTS_ANEW));
    if (h == null || !goesOn) {
      return new Step(w, operation, null, 0, 0, false, false);
    }
    long firstAt = h.attempts() == 0 ? 0 : h.firstAt();
    return new Step(w, operation, h.id(), h.attempts(), firstAt, false, false);
  }

  /**
   * What a full resync plans: every valid row, held ones too, attempts anew; nothing for the
   * others.
   */
  public Step resync(@Nullable String w, Remembered m) {
    if (isAmbiguous(w) || (w == null && on(Rule.RESYNC_LEAVES_ABSENT_KEYS))) {
      return nothing(w, false, false);
    }
    if (w == null || (isSuppressed(m.held(), w) && !on(Rule.RESYNC_SENDS_HELD_ROWS))) {
      return plan(w, m);
    }
    Held h = m.held();
    boolean goesOn = h != null && Objects.equals(h.version(), w) && !on(Rule.RESYNC_STARTS_ANEW);
    Operation operation = m.accepted() == null ? Operation.ADDED : Operation.CHANGED;
    return goesOn
        ? new Step(w, operation, h.id(), h.attempts(), h.firstAt(), false, false)
        : new Step(w, operation, null, 0, 0, false, false);
  }

  /** What clear and fill plans: every valid row as added. */
  public Step fill(@Nullable String w, Remembered m) {
    if (!on(Rule.FILL_ADDS_EVERY_ROW)) {
      return plan(w, m);
    }
    return w == null || isAmbiguous(w)
        ? nothing(w, false, false)
        : new Step(w, Operation.ADDED, null, 0, 0, false, false);
  }

  /** What is remembered of a key whose destination has been cleared. */
  public Remembered cleared(Remembered m) {
    return on(Rule.CLEAR_FORGETS) ? Remembered.NOTHING : m;
  }

  /** What a reset counts: rows that it takes as accepted, and known keys that it forgets. */
  public Step reset(@Nullable String w, Remembered m) {
    boolean known = m.accepted() != null || m.held() != null;
    if (w == null || isAmbiguous(w)) {
      return nothing(w, false, w == null && known);
    }
    boolean settled = w.equals(m.accepted()) && m.held() == null && !m.gone();
    Operation operation = m.accepted() == null ? Operation.ADDED : Operation.CHANGED;
    return settled ? nothing(w, false, false) : new Step(w, operation, null, 0, 0, false, false);
  }

  /** What a reset remembers of a key: the present row is taken as accepted. */
  public Remembered taken(@Nullable String w, Remembered m, long now) {
    if (isAmbiguous(w) || (w == null && !on(Rule.RESET_FORGETS_ABSENT_KEYS))) {
      return untouched(m, now);
    }
    String accepted = on(Rule.RESET_TAKES_ROWS) ? w : m.accepted();
    Held h = on(Rule.RESET_DROPS_HOLDS) ? null : current(m.held());
    long until = on(Rule.RESET_LEAVES_UNTIL) ? m.until() : 0;
    return expired(new Remembered(accepted, 0, h, until), now);
  }

  /** What a release remembers of a key: what was held is tried again. */
  public Remembered release(Remembered m) {
    Held h = m.held();
    boolean held =
        h != null
            && ((h.kind() == HoldKind.QUARANTINED && on(Rule.RELEASE_FREES_QUARANTINED))
                || (h.kind() == HoldKind.SKIPPED && on(Rule.RELEASE_FREES_SKIPPED)));
    return held ? new Remembered(m.accepted(), m.goneSince(), again(h), m.until()) : m;
  }

  private Held again(Held h) {
    int attempts = on(Rule.RELEASE_STARTS_ANEW) ? 0 : h.attempts();
    return new Held(h.version(), HoldKind.REJECTED, attempts, h.firstAt(), h.id(), h.unsure());
  }

  /** What is remembered of a key that a run has not looked at. */
  public Remembered untouched(Remembered m, long now) {
    return expired(renewed(m), now);
  }

  /** What a fold finds: skipped changes get another try if mode or removal have changed. */
  private Remembered renewed(Remembered m) {
    return new Remembered(m.accepted(), m.goneSince(), current(m.held()), m.until());
  }

  /**
   * What is remembered of a planned key when nothing is known but its calls: the second table.
   *
   * @param m what was remembered
   * @param step what was planned
   * @param id the id under which it was sent
   * @param calls the calls that carried it, in order
   * @param until the moment until which one of them may still act; 0 for none
   * @param now when
   */
  public Remembered settle(
      Remembered m, Step step, String id, List<Call> calls, long until, long now) {
    List<Call> telling = calls.stream().filter(call -> call != Call.NOT_APPLIED).toList();
    long latest = Math.max(m.until(), until);
    if (telling.isEmpty()) {
      return on(Rule.NOT_TRIED_CHANGES_NOTHING)
          ? new Remembered(m.accepted(), m.goneSince(), m.held(), latest)
          : new Remembered(m.accepted(), m.goneSince(), null, latest);
    }
    Call last = telling.get(telling.size() - 1);
    boolean silent = isUnknown(last) || last == Call.REJECTED_WITH_OTHERS;
    if (silent && telling.contains(Call.REJECTED)) {
      last = Call.REJECTED; // named once, and what came later says nothing about the row
    }
    if (last == Call.ACCEPTED) {
      return new Remembered(
          step.source(), 0, null, on(Rule.UNTIL_OUTLIVES_ACCEPTANCE) ? latest : 0);
    }
    Held h = current(m.held());
    boolean join = on(Rule.UNSURE_OUTLIVES_LATER_ANSWERS);
    List<Call> heard = join ? telling : telling.subList(telling.size() - 1, telling.size());
    boolean unsure =
        (h != null && h.unsure() && on(Rule.UNSURE_OUTLIVES_RUNS))
            || heard.stream().anyMatch(Reference5a::isUnknown);
    boolean counts =
        last == Call.REJECTED
            || last == Call.UNKNOWN_ALONE
            || (last == Call.UNKNOWN && !on(Rule.BATCH_OF_SEVERAL_IS_NO_ATTEMPT));
    int attempts = step.attempts() + (counts ? 1 : 0);
    long firstAt = step.firstAt() == 0 ? now : step.firstAt();
    HoldKind kind =
        switch (last) {
          case SKIPPED -> HoldKind.SKIPPED;
          case REJECTED, REJECTED_WITH_OTHERS -> HoldKind.REJECTED;
          default ->
              h != null && Objects.equals(h.version(), step.source()) ? h.kind() : HoldKind.OPEN;
        };
    boolean old = now - firstAt >= settings.quarantineAge() || !on(Rule.QUARANTINE_NEEDS_AGE);
    if (counts && attempts >= settings.quarantineAttempts() && old) {
      kind = HoldKind.QUARANTINED;
    }
    Held held = new Held(step.source(), kind, attempts, firstAt, id, unsure);
    return new Remembered(m.accepted(), m.goneSince(), held, latest);
  }

  /**
   * What is remembered of a key after the fold of a run.
   *
   * @param before what was remembered
   * @param step what the run did about the key
   * @param id the id under which it was sent, if it was planned
   * @param calls the calls that carried it, in order
   * @param until the moment until which one of them may still act; 0 for none
   * @param now when
   */
  public Remembered fold(
      Remembered before, Step step, @Nullable String id, List<Call> calls, long until, long now) {
    String w = step.source();
    Remembered m = renewed(before);
    Remembered after = m;
    if (step.operation() != null) {
      after = settle(m, step, Objects.requireNonNull(id, "id"), calls, until, now);
    } else if (!isAmbiguous(w)) {
      Held h = m.held();
      boolean leaves = w == null && settings.removal() == Removal.IGNORE && !isSuppressed(h, w);
      boolean other = h != null && !Objects.equals(h.version(), w);
      if (h != null && (leaves || (other && on(Rule.HOLD_OF_OTHER_VERSION_IS_DROPPED)))) {
        boolean bare = h.unsure() && on(Rule.UNSURE_OUTLIVES_ITS_HOLD);
        Held left = bare ? new Held(h.version(), HoldKind.OPEN, 0, 0, null, true) : null;
        after = new Remembered(m.accepted(), m.goneSince(), left, m.until());
      }
      if (leaves && m.accepted() != null && !m.gone() && on(Rule.IGNORED_KEY_IS_GONE)) {
        after = new Remembered(m.accepted(), now, after.held(), after.until());
      }
    }
    if (w != null && !isAmbiguous(w) && on(Rule.RETURN_ENDS_GONE)) {
      after = new Remembered(after.accepted(), 0, after.held(), after.until());
    }
    return expired(after, now);
  }

  private Remembered expired(Remembered m, long now) {
    Held h = m.held();
    long until = m.until() > now ? m.until() : 0;
    boolean forget = settings.forgetAfter() > 0 && now - m.goneSince() >= settings.forgetAfter();
    if (m.gone() && h == null && forget) {
      return new Remembered(null, 0, null, until);
    }
    return new Remembered(m.accepted(), m.goneSince(), h, until);
  }

  private static boolean isUnknown(Call call) {
    return call == Call.UNKNOWN || call == Call.UNKNOWN_ALONE;
  }

  private boolean isAmbiguous(@Nullable String w) {
    return AMBIGUOUS.equals(w) && on(Rule.AMBIGUOUS_KEY_STAYS);
  }

  private boolean isSuppressed(@Nullable Held h, @Nullable String w) {
    return on(Rule.HELD_IS_SUPPRESSED)
        && h != null
        && (h.kind() == HoldKind.QUARANTINED || h.kind() == HoldKind.SKIPPED)
        && Objects.equals(h.version(), w);
  }

  /** The hold, after what a change of mode or removal does to it. */
  private @Nullable Held current(@Nullable Held h) {
    boolean again = settings.changed() && on(Rule.NEW_SETTINGS_RETRY_SKIPPED);
    return h != null && h.kind() == HoldKind.SKIPPED && again
        ? new Held(h.version(), HoldKind.REJECTED, 0, h.firstAt(), h.id(), h.unsure())
        : h;
  }

  private static Step nothing(@Nullable String w, boolean held, boolean ignored) {
    return new Step(w, null, null, 0, 0, held, ignored);
  }

  private boolean on(Rule rule) {
    return !leftOut.contains(rule);
  }
}
