package io.fulmar.harness;

import io.fulmar.ChangeSet;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.harness.Reference5a.Call;
import io.fulmar.harness.Reference5a.Held;
import io.fulmar.harness.Reference5a.Remembered;
import io.fulmar.harness.Reference5a.Settings;
import io.fulmar.harness.Reference5a.Step;
import io.fulmar.harness.ScriptedDestination.Sent;
import io.fulmar.internal.store.PlanRequest;
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
  private int epoch;
  private @Nullable SyncMode foldedMode;
  private @Nullable Removal foldedRemoval;

  /** What one possible memory of a key makes of a run. */
  private record World(Step step, Remembered before, List<Remembered> after) {}

  /** The version of a row as a plan sees it. */
  private String version(Planned planned, String content) {
    return Reference5a.AMBIGUOUS.equals(content)
        ? content
        : planned.mapping() + (epoch == 0 ? "" : "+" + epoch) + ":" + content;
  }

  private @Nullable String version(Planned planned, @Nullable Sent sent) {
    return sent == null || sent.content() == null ? null : version(planned, sent.content());
  }

  private @Nullable String source(Planned planned, String key) {
    String content = planned.contents().get(key);
    return content == null ? null : version(planned, content);
  }

  private Set<Remembered> possible(String key) {
    return memories.getOrDefault(key, Set.of(Remembered.NOTHING));
  }

  /** All keys that a plan, or what is remembered, knows of. */
  private Set<String> keys(Planned planned) {
    Set<String> keys = new TreeSet<>(memories.keySet());
    keys.addAll(planned.contents().keySet());
    return keys;
  }

  /** Follows what a process did before it delivered anything. */
  private void began(Subject.Ended ended) {
    if (ended.did(Effect.RESYNCED)) {
      epoch++;
    }
    if (ended.did(Effect.CLEARED)) {
      memories.clear();
    }
  }

  /**
   * Follows a run.
   *
   * @param sync what ran
   * @param planned what the plan saw
   * @param now when it ended
   * @param sent what the destination saw
   * @param ended how it ended
   */
  void ran(Sync sync, Planned planned, long now, Map<String, Sent> sent, Subject.Ended ended) {
    began(ended);
    Reference5a reference = new Reference5a(settings(sync));
    SyncReport report = ended.report();
    if (!ended.did(Effect.OPENED) && !ended.did(Effect.FOLDED)) {
      if (!sent.isEmpty()) {
        throw new AssertionError("a run that delivers nothing has sent " + sent.keySet());
      }
      return;
    }
    boolean mayBeLeft = report == null || report.total().aborted() > 0;
    Set<String> keys = keys(planned);
    keys.addAll(sent.keySet());
    Map<String, Set<World>> possible = new TreeMap<>();
    for (String key : keys) {
      Set<World> worlds = new LinkedHashSet<>();
      for (Remembered possibly : possible(key)) {
        Step step = step(reference, planned, key, possibly);
        Remembered memory = seen(possibly, step, sent.get(key));
        List<Remembered> after;
        if (!planned.isAbout(key)) {
          after = sent.containsKey(key) ? List.of() : List.of(reference.untouched(memory, now));
        } else if (ended.isLeftOpen()) {
          after = interrupted(reference, memory, step, sent.get(key), planned, now);
        } else {
          after = folded(reference, memory, step, sent.get(key), planned, mayBeLeft, now);
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
                    brief(source(planned, key)),
                    possible(key),
                    possible(key).stream()
                        .map(memory -> step(reference, planned, key, memory))
                        .toList(),
                    sent.containsKey(key) ? brief(sent.get(key)) : "nothing"));
      }
      possible.put(key, worlds);
    }
    if (report != null && report.changeSet() != null) {
      count(report, report.changeSet(), planned, possible, sent);
    }
    sent.values().forEach(what -> ids.add(what.id()));
    memories.clear();
    possible.forEach(
        (key, worlds) -> {
          Set<Remembered> after = new LinkedHashSet<>();
          worlds.forEach(world -> after.addAll(world.after()));
          remember(key, after);
        });
    foldedMode = sync.mode();
    foldedRemoval = sync.removal();
  }

  private Step step(Reference5a reference, Planned planned, String key, Remembered memory) {
    String w = source(planned, key);
    return switch (planned.kind()) {
      case RUN -> reference.plan(w, memory);
      case RESYNC -> reference.resync(w, memory);
      case RESET -> reference.reset(w, memory);
      case FILL -> reference.fill(w, memory);
    };
  }

  private void remember(String key, Set<Remembered> after) {
    if (after.equals(Set.of(Remembered.NOTHING))) {
      memories.remove(key);
    } else {
      memories.put(key, after);
    }
  }

  /**
   * Follows a reset, or the beginning of a sync with what the destination holds.
   *
   * @param set what was said about it; null if the process died, or it says nothing
   */
  void took(Sync sync, Planned planned, long now, @Nullable ChangeSet set, Subject.Ended ended) {
    if (!ended.did(Effect.TAKEN)) {
      return;
    }
    Reference5a reference = new Reference5a(settings(sync));
    Map<String, Set<World>> possible = new TreeMap<>();
    for (String key : keys(planned)) {
      Set<World> worlds = new LinkedHashSet<>();
      for (Remembered memory : possible(key)) {
        Step step = step(reference, planned, key, memory);
        Remembered after = reference.taken(source(planned, key), memory, now);
        worlds.add(new World(step, memory, List.of(after)));
      }
      possible.put(key, worlds);
    }
    if (set != null) {
      count(set, possible);
    }
    possible.forEach(
        (key, worlds) -> {
          Set<Remembered> after = new LinkedHashSet<>();
          worlds.forEach(world -> after.addAll(world.after()));
          remember(key, after);
        });
    foldedMode = sync.mode();
    foldedRemoval = sync.removal();
  }

  /**
   * Follows a release.
   *
   * @param only the key that it is about; null for all
   * @param answer how many changes it says to have released; null if it died
   */
  void released(Sync sync, @Nullable String only, @Nullable Long answer, Subject.Ended ended) {
    if (answer == null && !ended.did(Effect.RELEASED)) {
      return;
    }
    Reference5a reference = new Reference5a(settings(sync));
    long fewest = 0;
    long most = 0;
    for (String key : List.copyOf(memories.keySet())) {
      if (only != null && !only.equals(key)) {
        continue;
      }
      Set<Remembered> after = new LinkedHashSet<>();
      possible(key).forEach(memory -> after.add(reference.release(memory)));
      fewest += possible(key).stream().noneMatch(after::contains) ? 1 : 0;
      most += possible(key).containsAll(after) && after.size() == possible(key).size() ? 0 : 1;
      if (ended.did(Effect.RELEASED)) {
        remember(key, after);
      }
    }
    if (answer != null && (answer < fewest || answer > most)) {
      throw new AssertionError(
          "%d changes were released, the reference releases %d to %d"
              .formatted(answer, fewest, most));
    }
  }

  /** Everything has been forgotten. */
  void forgot() {
    memories.clear();
    foldedMode = null;
    foldedRemoval = null;
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
      Planned planned,
      boolean mayBeLeft,
      long now) {
    if (sent != null) {
      return fits(step, sent, planned)
          ? List.of(reference.fold(memory, step, sent.id(), sent.calls(), sent.until(), now))
          : List.of();
    }
    if (step.operation() == null) {
      boolean runs = planned.kind() == PlanRequest.Kind.RUN;
      return List.of(
          runs
              ? reference.fold(memory, step, null, List.of(), 0, now)
              : reference.untouched(memory, now));
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
      Remembered before,
      Step step,
      @Nullable Sent sent,
      Planned planned,
      long now) {
    Remembered memory = reference.untouched(before, now);
    if (sent != null) {
      return fits(step, sent, planned)
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
  private boolean fits(Step step, Sent sent, Planned planned) {
    String version = version(planned, sent);
    boolean isNew = step.id() == null || step.id().equals(UNSEEN);
    return sent.operation() == step.operation()
        && Objects.equals(version, step.source())
        && !isLarge(step)
        && sent.attempt() == step.attempts() + 1
        && (isNew ? !ids.contains(sent.id()) : sent.id().equals(step.id()));
  }

  /** Holds the counts of a report against what is known for sure. */
  private static void count(
      SyncReport report,
      ChangeSet set,
      Planned planned,
      Map<String, Set<World>> possible,
      Map<String, Sent> sent) {
    Map<String, Set<World>> asked = new TreeMap<>(possible);
    asked.keySet().removeIf(key -> !planned.isAbout(key));
    if (!count(set, asked)) {
      return;
    }
    Map<Operation, Long> accepted = new EnumMap<>(Operation.class);
    Map<Operation, Long> skipped = new EnumMap<>(Operation.class);
    for (Sent what : sent.values()) {
      List<Call> telling = what.calls().stream().filter(c -> c != Call.NOT_APPLIED).toList();
      Call last = telling.isEmpty() ? Call.NOT_APPLIED : telling.get(telling.size() - 1);
      accepted.merge(what.operation(), last == Call.ACCEPTED ? 1L : 0L, Long::sum);
      skipped.merge(what.operation(), last == Call.SKIPPED ? 1L : 0L, Long::sum);
    }
    for (Operation operation : Operation.values()) {
      SyncReport.Counts counts = report.counts(operation);
      same(operation + " counted as planned", counts.planned(), set.planned(operation));
      same(operation + " accepted", counts.accepted(), accepted.getOrDefault(operation, 0L));
      same(operation + " skipped", counts.skipped(), skipped.getOrDefault(operation, 0L));
    }
  }

  /** Holds the counts of a plan against what is known; false if nothing is known for sure. */
  private static boolean count(ChangeSet set, Map<String, Set<World>> possible) {
    Map<Operation, Long> planned = new EnumMap<>(Operation.class);
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
        return false;
      }
      if (step.operation() != null) {
        planned.merge(step.operation(), 1L, Long::sum);
      }
      held += step.held() ? 1 : 0;
      ignored += step.ignored() ? 1 : 0;
    }
    for (Operation operation : Operation.values()) {
      same(operation + " planned", set.planned(operation), planned.getOrDefault(operation, 0L));
    }
    same("held", set.held(), held);
    same("ignored", set.ignored(), ignored);
    return true;
  }

  private static void same(String what, long actual, long expected) {
    if (actual != expected) {
      throw new AssertionError(what + ": " + actual + ", the reference says " + expected);
    }
  }

  /** Holds what the subject remembers now against what it must remember. */
  void check(Map<String, Remembered> actual, long now) {
    Set<String> keys = new TreeSet<>(memories.keySet());
    keys.addAll(actual.keySet());
    for (String key : keys) {
      Remembered is = actual.getOrDefault(key, Remembered.NOTHING);
      Set<Remembered> may = memories.getOrDefault(key, Set.of(Remembered.NOTHING));
      if (may.stream().noneMatch(memory -> sameButForTime(memory, is))) {
        throw new AssertionError(
            "of %s is remembered %s, the reference remembers %s".formatted(key, is, may));
      }
      if (may.stream().allMatch(memory -> memory.until() > Math.max(is.until(), now))) {
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
