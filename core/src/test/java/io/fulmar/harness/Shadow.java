package io.fulmar.harness;

import io.fulmar.ChangeSet;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.harness.Reference5a.Call;
import io.fulmar.harness.Reference5a.Held;
import io.fulmar.harness.Reference5a.Remembered;
import io.fulmar.harness.Reference5a.Settings;
import io.fulmar.harness.Reference5a.Step;
import io.fulmar.harness.ScriptedDestination.Sent;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a sync must remember, told from outside: from the rows of the source and from what the
 * destination saw and answered, by {@link Reference5a}. Where a death leaves it open what became
 * durable, several memories of a key are possible; what the next runs send tells which one it is.
 * If none is left, the subject has done what the reference does not plan.
 */
final class Shadow {
  /** Id of a change that was reserved and never sent, so that nobody has seen it. */
  private static final String UNSEEN = "unseen";

  private static final int LARGE = 1_000;

  private final Map<String, Set<Remembered>> memories = new TreeMap<>();
  private final Set<String> ids = new HashSet<>();
  private @Nullable SyncMode foldedMode;
  private @Nullable Removal foldedRemoval;

  /** What one possible memory of a key makes of a run. */
  private record World(Step step, Remembered before, List<Remembered> after) {}

  /** The version of a row under a mapping. */
  static String version(int mapping, String content) {
    return mapping + ":" + content;
  }

  /**
   * Follows a run.
   *
   * @param sync what ran
   * @param source the version of each key that the plan saw
   * @param mapping under which it was planned
   * @param now when it ended
   * @param sent what the destination saw
   * @param ended how it ended
   */
  void ran(
      Sync sync,
      Map<String, String> source,
      int mapping,
      long now,
      Map<String, Sent> sent,
      Subject.Ended ended) {
    Reference5a reference = new Reference5a(settings(sync));
    SyncReport report = ended.report();
    boolean held = report != null && report.status() == RunStatus.HELD;
    boolean died = report == null;
    boolean aborted = report != null && report.total().aborted() > 0;
    Set<String> keys = new TreeSet<>(memories.keySet());
    keys.addAll(source.keySet());
    keys.addAll(sent.keySet());
    Map<String, Set<World>> possible = new TreeMap<>();
    for (String key : keys) {
      Set<World> worlds = new LinkedHashSet<>();
      for (Remembered possibly : memories.getOrDefault(key, Set.of(Remembered.NOTHING))) {
        Step step = reference.plan(source.get(key), possibly);
        Remembered memory = seen(possibly, step, sent.get(key));
        List<Remembered> after;
        if (held) {
          after = sent.containsKey(key) ? List.of() : List.of(memory);
        } else if (died && !ended.folded()) {
          after = interrupted(reference, memory, step, sent.get(key), mapping, now);
        } else {
          boolean mayBeLeft = aborted || died;
          after = folded(reference, memory, step, sent.get(key), mapping, mayBeLeft, now);
        }
        if (!after.isEmpty()) {
          worlds.add(new World(step, memory, after));
        }
      }
      if (worlds.isEmpty()) {
        throw new AssertionError(
            "%s is %s in the source, and of it is remembered %s; the reference plans %s, and %s was sent"
                .formatted(
                    key,
                    brief(source.get(key)),
                    memories.getOrDefault(key, Set.of()),
                    memories.getOrDefault(key, Set.of(Remembered.NOTHING)).stream()
                        .map(memory -> reference.plan(source.get(key), memory))
                        .toList(),
                    sent.containsKey(key) ? brief(sent.get(key)) : "nothing"));
      }
      possible.put(key, worlds);
    }
    if (report != null && !held && report.changeSet() != null) {
      count(report, report.changeSet(), possible, sent);
    }
    sent.values().forEach(what -> ids.add(what.id()));
    memories.clear();
    possible.forEach(
        (key, worlds) -> {
          Set<Remembered> after = new LinkedHashSet<>();
          worlds.forEach(world -> after.addAll(world.after()));
          if (!after.equals(Set.of(Remembered.NOTHING))) {
            memories.put(key, after);
          }
        });
    if (ended.folded()) {
      foldedMode = sync.mode();
      foldedRemoval = sync.removal();
    }
  }

  private Settings settings(Sync sync) {
    boolean changed =
        foldedMode != null && (foldedMode != sync.mode() || foldedRemoval != sync.removal());
    return new Settings(
        sync.mode(),
        sync.removal(),
        changed,
        sync.quarantineAttempts(),
        sync.quarantineAge().toMillis(),
        0);
  }

  /** A memory with the id that a change had all along, now that the destination has seen it. */
  private static Remembered seen(Remembered memory, Step step, @Nullable Sent sent) {
    Held h = memory.held();
    if (sent == null || h == null || !UNSEEN.equals(step.id())) {
      return memory;
    }
    Held known = new Held(h.version(), h.kind(), h.attempts(), h.firstAt(), sent.id(), h.unsure());
    return new Remembered(memory.accepted(), memory.goneSince(), known, memory.until());
  }

  /** What is remembered of a key after the fold; empty if the run cannot have done this. */
  private List<Remembered> folded(
      Reference5a reference,
      Remembered memory,
      Step step,
      @Nullable Sent sent,
      int mapping,
      boolean mayBeLeft,
      long now) {
    if (sent != null) {
      return fits(step, sent, mapping)
          ? List.of(reference.fold(memory, step, sent.id(), sent.calls(), sent.until(), now))
          : List.of();
    }
    if (step.operation() == null) {
      return List.of(reference.fold(memory, step, null, List.of(), 0, now));
    }
    List<Remembered> after = new ArrayList<>();
    String id = step.id() == null ? UNSEEN : step.id();
    if (mayBeLeft) {
      after.add(reference.fold(memory, step, id, List.of(), 0, now));
    }
    if (isLarge(step)) {
      after.add(reference.fold(memory, step, id, List.of(Call.REJECTED), 0, now));
    }
    return after;
  }

  /** What may be remembered of a key after a death; empty if the run cannot have done this. */
  private List<Remembered> interrupted(
      Reference5a reference,
      Remembered memory,
      Step step,
      @Nullable Sent sent,
      int mapping,
      long now) {
    if (sent != null) {
      return fits(step, sent, mapping)
          ? List.of(
              reference.settle(memory, step, sent.id(), sent.calls(), sent.until(), now),
              reference.settle(memory, step, sent.id(), List.of(Call.UNKNOWN), sent.until(), now))
          : List.of();
    }
    if (step.operation() == null) {
      return List.of(memory);
    }
    List<Remembered> after = new ArrayList<>();
    String id = step.id() == null ? UNSEEN : step.id();
    after.add(memory);
    after.add(reference.settle(memory, step, id, List.of(Call.UNKNOWN), 0, now));
    if (isLarge(step)) {
      after.add(reference.settle(memory, step, id, List.of(Call.REJECTED), 0, now));
    }
    return after;
  }

  private static boolean isLarge(Step step) {
    return step.source() != null && step.source().length() > LARGE;
  }

  /** Whether what was sent is what was planned, under the same id if it was sent before. */
  private boolean fits(Step step, Sent sent, int mapping) {
    String version = sent.content() == null ? null : version(mapping, sent.content());
    boolean isNew = step.id() == null || step.id().equals(UNSEEN);
    return sent.operation() == step.operation()
        && Objects.equals(version, step.source())
        && !isLarge(step)
        && sent.attempt() == step.attempts() + 1
        && (isNew ? !ids.contains(sent.id()) : sent.id().equals(step.id()));
  }

  /** Holds the counts of a report against what is known for sure. */
  private static void count(
      SyncReport report, ChangeSet set, Map<String, Set<World>> possible, Map<String, Sent> sent) {
    Map<Operation, Long> planned = new EnumMap<>(Operation.class);
    Map<Operation, Long> accepted = new EnumMap<>(Operation.class);
    Map<Operation, Long> skipped = new EnumMap<>(Operation.class);
    long held = 0;
    long ignored = 0;
    for (Set<World> worlds : possible.values()) {
      Step step = worlds.iterator().next().step();
      boolean sure =
          worlds.stream()
              .allMatch(
                  w ->
                      w.step().operation() == step.operation()
                          && w.step().held() == step.held()
                          && w.step().ignored() == step.ignored());
      if (!sure) {
        return;
      }
      if (step.operation() != null) {
        planned.merge(step.operation(), 1L, Long::sum);
      }
      held += step.held() ? 1 : 0;
      ignored += step.ignored() ? 1 : 0;
    }
    for (Sent what : sent.values()) {
      List<Call> telling = what.calls().stream().filter(c -> c != Call.NOT_APPLIED).toList();
      Call last = telling.isEmpty() ? Call.NOT_APPLIED : telling.get(telling.size() - 1);
      accepted.merge(what.operation(), last == Call.ACCEPTED ? 1L : 0L, Long::sum);
      skipped.merge(what.operation(), last == Call.SKIPPED ? 1L : 0L, Long::sum);
    }
    for (Operation operation : Operation.values()) {
      SyncReport.Counts counts = report.counts(operation);
      same(operation + " planned", set.planned(operation), planned.getOrDefault(operation, 0L));
      same(operation + " counted as planned", counts.planned(), set.planned(operation));
      same(operation + " accepted", counts.accepted(), accepted.getOrDefault(operation, 0L));
      same(operation + " skipped", counts.skipped(), skipped.getOrDefault(operation, 0L));
    }
    same("held", set.held(), held);
    same("ignored", set.ignored(), ignored);
  }

  private static void same(String what, long actual, long expected) {
    if (actual != expected) {
      throw new AssertionError(what + ": " + actual + ", the reference says " + expected);
    }
  }

  /** Holds what the subject remembers against what it must remember. */
  void check(Map<String, Remembered> actual) {
    Set<String> keys = new TreeSet<>(memories.keySet());
    keys.addAll(actual.keySet());
    for (String key : keys) {
      Remembered is = actual.getOrDefault(key, Remembered.NOTHING);
      Set<Remembered> may = memories.getOrDefault(key, Set.of(Remembered.NOTHING));
      if (may.stream().noneMatch(memory -> sameButForTime(memory, is))) {
        throw new AssertionError(
            "of %s is remembered %s, the reference remembers %s".formatted(key, is, may));
      }
      if (may.stream().allMatch(memory -> memory.until() > is.until())) {
        throw new AssertionError(
            "a call for %s may act until %s, which is forgotten: %s".formatted(key, may, is));
      }
    }
  }

  private static boolean sameButForTime(Remembered one, Remembered other) {
    Held a = one.held();
    Held b = other.held();
    boolean sameHold =
        a == null || b == null
            ? a == b
            : Objects.equals(a.version(), b.version())
                && a.kind() == b.kind()
                && a.attempts() == b.attempts()
                && a.unsure() == b.unsure()
                && (Objects.equals(a.id(), b.id()) || UNSEEN.equals(a.id()));
    return sameHold
        && Objects.equals(one.accepted(), other.accepted())
        && one.gone() == other.gone();
  }

  /** One line of what was sent. */
  static String brief(Sent sent) {
    return "%s %s #%d %s %s"
        .formatted(
            sent.operation(),
            brief(sent.content()),
            sent.attempt(),
            sent.id().substring(0, 6),
            sent.calls());
  }

  static String brief(@Nullable String content) {
    return content == null
        ? "absent"
        : content.length() > 20 ? content.substring(0, 3) + "... (large)" : content;
  }

  static String brief(List<String> contents) {
    return String.join("+", contents.stream().map(Shadow::brief).toList());
  }
}
