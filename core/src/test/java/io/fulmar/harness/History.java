package io.fulmar.harness;

import io.fulmar.ChangeSet;
import io.fulmar.HoldKind;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.harness.Death.Point;
import io.fulmar.harness.Death.Side;
import io.fulmar.harness.ScriptedDestination.Mood;
import io.fulmar.harness.ScriptedDestination.Round;
import io.fulmar.harness.ScriptedDestination.Sent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * A random history of a sync: rows come, change, vanish and return, keys are NULL or ambiguous,
 * settings change, runs are planned, approved, cancelled and killed, and the destination answers
 * what it likes. After each run, what was sent and remembered is held against {@link Shadow}; in
 * the end, when the destination is calm, it must hold the rows of the source, and nothing may be
 * left to do. A history is its seed: the same seed gives the same history.
 */
public final class History {
  private static final Duration CALL_DEADLINE = Duration.ofSeconds(60);
  private static final int LARGE = 2_000;

  private final long seed;
  private final Random random;
  private final Subject subject;
  private final ScriptedDestination destination;
  private final Shadow shadow;
  private final List<String> log = new ArrayList<>();
  private final Map<String, Integer> seen = new TreeMap<>();
  private final TreeMap<String, List<String>> rows = new TreeMap<>();
  private final Map<String, Planned> plans = new HashMap<>();
  private final String[] contents;
  private final int keys;
  private final int lanes;
  private final int batchRows;
  private final boolean ambiguousKeys;
  private final boolean largeRows;
  private int nullKeys;
  private int rounds;
  private SyncMode mode = SyncMode.UPSERT;
  private Removal removal = Removal.DELETE;
  private Sync.EmptyModel emptyModel = Sync.EmptyModel.DELIVER;
  private int mapping;
  private @Nullable String heldPlan;

  /** What a plan saw. */
  private record Planned(Map<String, String> versions, int rows) {}

  private History(long seed, Subject subject) {
    this.seed = seed;
    this.random = new Random(seed);
    this.subject = subject;
    random.nextInt();
    keys = 1 + random.nextInt(6);
    contents = new String[] {"a", "b", "c", "d"};
    lanes = random.nextInt(5) == 0 ? 3 : 1;
    batchRows = 1 + random.nextInt(5);
    ambiguousKeys = random.nextBoolean();
    largeRows = random.nextInt(4) == 0;
    destination = new ScriptedDestination(seed, subject.clock(), lanes, subject::reservedUntil);
    shadow = new Shadow();
    removal = random.nextBoolean() ? Removal.DELETE : Removal.IGNORE;
  }

  /**
   * Plays histories, one for each seed from a first one on; {@code -Dfulmar.seed=N} plays that one
   * alone.
   *
   * @param first the first seed
   * @param count how many
   * @param subjects makes what a history happens to
   */
  public static void playAll(long first, int count, LongFunction<Subject> subjects) {
    Long only = Long.getLong("fulmar.seed");
    long from = only == null ? first : only;
    long to = only == null ? first + count : only + 1;
    for (long seed = from; seed < to; seed++) {
      play(seed, subjects);
    }
  }

  /**
   * Plays one history.
   *
   * @return what happened, and how often
   * @throws AssertionError with the seed and everything that happened, if something is wrong
   */
  public static Map<String, Integer> play(long seed, LongFunction<Subject> subjects) {
    try (Subject subject = subjects.apply(seed)) {
      History history = new History(seed, subject);
      try {
        history.play();
        return history.seen;
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError(
            "history -Dfulmar.seed=%d: %s%n%s"
                .formatted(seed, e.getMessage(), String.join("\n", history.log)),
            e);
      }
    }
  }

  private void play() {
    int steps = 4 + random.nextInt(30);
    log.add(
        "keys %d, batch rows %d, lanes %d, removal %s".formatted(keys, batchRows, lanes, removal));
    for (int step = 0; step < steps; step++) {
      edit(random.nextInt(5));
      changeSettings();
      int dice = random.nextInt(20);
      if (dice == 0) {
        planAndApply();
      } else if (dice == 1) {
        planRunAndApply();
      } else if (dice == 2) {
        holdAndApprove();
      } else {
        run(null, death());
      }
      pass(new int[] {0, 1, 10, 59, 61, 125, 600}[random.nextInt(7)]);
    }
    becomeCalm();
    check();
    saw("history");
    seen.merge("late calls", destination.lateCalls(), Integer::sum);
  }

  /** Changes some rows. */
  private void edit(int edits) {
    for (int i = 0; i < edits; i++) {
      String key = "k" + random.nextInt(keys);
      int dice = random.nextInt(100);
      String content = contents[random.nextInt(contents.length)];
      if (dice < 25) {
        rows.remove(key);
      } else if (dice < 32 && ambiguousKeys) {
        rows.put(key, List.of(content, random.nextBoolean() ? content : "z"));
      } else if (dice < 36) {
        nullKeys = random.nextInt(3);
      } else if (dice < 44 && largeRows) {
        rows.put(key, List.of("x".repeat(LARGE)));
      } else {
        rows.put(key, List.of(content));
      }
    }
    if (edits > 0) {
      publish();
    }
  }

  private void publish() {
    List<SourceRow> all = new ArrayList<>();
    rows.forEach((key, of) -> of.forEach(content -> all.add(new SourceRow(key, content))));
    for (int i = 0; i < nullKeys; i++) {
      all.add(new SourceRow(null, contents[i]));
    }
    subject.source(all);
    StringBuilder line = new StringBuilder("source");
    rows.forEach((key, of) -> line.append(' ').append(key).append('=').append(Shadow.brief(of)));
    log.add(line.append(nullKeys > 0 ? ", NULL keys " + nullKeys : "").toString());
  }

  private void changeSettings() {
    int dice = random.nextInt(100);
    if (dice < 5) {
      mapping = 1 - mapping;
      log.add("mapping " + mapping);
    } else if (dice < 13) {
      removal = Removal.values()[random.nextInt(3)];
      log.add("removal " + removal);
    } else if (dice < 21) {
      mode = SyncMode.values()[random.nextInt(4)];
      log.add("mode " + mode);
    }
  }

  private Death death() {
    if (random.nextInt(4) != 0) {
      return Death.never();
    }
    Point[] points = Point.values();
    Point point = random.nextBoolean() ? Point.WRITE : points[random.nextInt(points.length)];
    return Death.at(point, random.nextBoolean() ? Side.BEFORE : Side.AFTER, 1 + random.nextInt(3));
  }

  private void pass(int seconds) {
    subject.clock().advance(Duration.ofSeconds(seconds));
    log.add(seconds + " s pass");
  }

  private Sync sync() {
    return Sync.builder("history")
        .model(subject.model(mapping))
        .to(destination)
        .mode(mode)
        .onRemoved(removal)
        .onEmptyModel(emptyModel)
        .guardRemovals(1, 0)
        .guardReturn(Duration.ZERO)
        .batchRows(batchRows)
        .lanes(lanes)
        .callDeadline(CALL_DEADLINE)
        .retryFor(Duration.ofSeconds(3))
        .maxRowBytes(LARGE / 2)
        .quarantineAfter(1_000_000, Duration.ofDays(3_650))
        .build();
  }

  /** Plans, lets the source go on, and delivers what was planned. */
  private void planAndApply() {
    Planned planned = source();
    ChangeSet plan = subject.plan(sync());
    plans.put(plan.id(), planned);
    log.add("plan " + plan.id() + " " + plan.planned());
    edit(random.nextInt(3));
    run(plan.id(), death());
  }

  /** A plan is stale once a run has moved the state on. */
  private void planRunAndApply() {
    ChangeSet plan = subject.plan(sync());
    log.add("plan " + plan.id() + " " + plan.planned() + ", to become stale");
    Subject.Ended ended = run(null, Death.never());
    boolean held = ended.report() != null && ended.report().status() == RunStatus.HELD;
    if (held || !ended.folded()) {
      return;
    }
    destination.begin(new Round(++rounds, Mood.CALM, Death.never(), 0), sync(), () -> {});
    Subject.Ended stale = subject.run(sync(), plan.id(), Death.never());
    require(
        stale.thrown() instanceof StateException && destination.calls() == 0,
        "a stale plan is not refused: " + stale.thrown());
    saw("stale plan refused");
  }

  /** The guard for an empty model holds the run, and the application may approve. */
  private void holdAndApprove() {
    if (!rows.isEmpty() && random.nextBoolean()) {
      rows.clear();
      nullKeys = 0;
      publish();
    }
    emptyModel = Sync.EmptyModel.HOLD;
    Subject.Ended ended = run(null, Death.never());
    SyncReport report = ended.report();
    if (report != null && report.status() == RunStatus.HELD) {
      require(Objects.equals(heldPlan, subject.status(sync()).heldPlan()), "no plan waits");
      edit(random.nextInt(3));
      if (random.nextBoolean()) {
        run(heldPlan, death());
      } else {
        run(null, death());
      }
    }
    emptyModel = Sync.EmptyModel.DELIVER;
  }

  private void saw(String what) {
    seen.merge(what, 1, Integer::sum);
  }

  private Planned source() {
    Map<String, String> versions = new TreeMap<>();
    rows.forEach(
        (key, of) ->
            versions.put(
                key, of.size() > 1 ? Reference5a.AMBIGUOUS : Shadow.version(mapping, of.get(0))));
    int count = nullKeys + rows.values().stream().mapToInt(List::size).sum();
    return new Planned(versions, count);
  }

  private Subject.Ended run(@Nullable String planId, Death death) {
    Mood[] moods = Mood.values();
    return run(planId, death, moods[random.nextInt(moods.length)]);
  }

  private Subject.Ended run(@Nullable String planId, Death death, Mood mood) {
    int cancelAt = random.nextInt(15) == 0 ? 1 + random.nextInt(3) : 0;
    Sync sync = sync();
    Planned now = source();
    rounds++;
    log.add(
        "run %d%s, %s, %s, process %s%s"
            .formatted(
                rounds,
                planId == null ? "" : " of " + planId,
                mode + "/" + removal,
                mood,
                death,
                cancelAt == 0 ? "" : ", cancelled in call " + cancelAt));
    destination.begin(
        new Round(rounds, mood, death, mood == Mood.CALM ? 0 : cancelAt),
        sync,
        () -> subject.cancel(sync));
    Subject.Ended ended = subject.run(sync, planId, death);
    Map<String, Sent> sent = destination.sent();
    sent.forEach((key, what) -> log.add("  " + key + " " + Shadow.brief(what)));
    SyncReport report = ended.report();
    ChangeSet set = report == null ? null : report.changeSet();
    log.add(
        "  "
            + (report == null ? ended.thrown() : report.status() + " " + brief(report))
            + (ended.folded() ? ", folded" : "")
            + (report == null || report.error() == null ? "" : ", " + causes(report.error())));
    require(destination.objections().isEmpty(), "destination: " + destination.objections());
    require(subject.objections().isEmpty(), "subject: " + subject.objections());
    Planned planned = planId == null ? now : plans.getOrDefault(planId, now);
    if (set != null && planId == null) {
      plans.putIfAbsent(set.id(), now);
    }
    heldPlan = report != null && report.status() == RunStatus.HELD && set != null ? set.id() : null;
    require(report != null || death.isDead(), "the run threw " + ended.thrown());
    saw(report == null ? "died" : report.status().toString());
    saw(death.isDead() && ended.folded() ? "died after the fold" : "ended as it seems");
    saw(set != null && set.held() > 0 ? "held rows" : "no held rows");
    saw(set != null && set.ignored() > 0 ? "ignored rows" : "no ignored rows");
    saw(set != null && set.invalid() > 0 ? "invalid rows" : "no invalid rows");
    saw(planId != null && ended.folded() ? "plan applied" : "planned and delivered");
    sent.values().forEach(what -> what.calls().forEach(call -> saw(call.toString())));
    sent.values().forEach(what -> saw(what.operation() + " sent"));
    shadow.ran(sync, planned.versions(), mapping, subject.clock().millis(), sent, ended);
    if (report != null) {
      check(report, planned);
    }
    if (!death.isDead()) {
      subject.memory().ifPresent(shadow::check);
    }
    return ended;
  }

  private static String brief(SyncReport report) {
    SyncReport.Counts total = report.total();
    return "planned %d, accepted %d, skipped %d, failed %d, aborted %d"
        .formatted(
            total.planned(), total.accepted(), total.skipped(), total.failed(), total.aborted());
  }

  private static String causes(Throwable error) {
    StringBuilder all = new StringBuilder();
    for (Throwable e = error; e != null; e = e.getCause()) {
      all.append(all.length() == 0 ? "" : " <- ").append(e);
      StackTraceElement[] trace = e.getStackTrace();
      all.append(trace.length == 0 ? "" : " at " + trace[0]);
    }
    return all.toString();
  }

  private void check(SyncReport report, Planned planned) {
    ChangeSet set = report.changeSet();
    if (report.status() == RunStatus.HELD || set == null) {
      require(destination.calls() == 0, "a held run has sent something");
      return;
    }
    require(set.rows() == planned.rows(), "rows " + set.rows() + ", not " + planned.rows());
    require(report.calls() == destination.calls(), "calls are miscounted: " + report.calls());
    boolean clean = report.total().failed() == 0 && set.invalid() == 0;
    require(
        report.status() != RunStatus.SUCCEEDED || clean, "SUCCEEDED though something went wrong");
    require(
        report.status() != RunStatus.WARNING || !clean || report.newlyQuarantined() > 0,
        "WARNING without a reason");
  }

  /** The destination accepts everything, and settings are such that it can equal the source. */
  private void becomeCalm() {
    rows.replaceAll(
        (key, of) -> {
          boolean odd = of.size() > 1 || of.get(0).length() == LARGE;
          return odd ? List.of(contents[random.nextInt(contents.length)]) : of;
        });
    publish();
    mode = SyncMode.UPSERT;
    removal = Removal.DELETE;
    for (int i = 0; i < 3; i++) {
      pass(300);
      Subject.Ended ended = run(null, Death.never(), Mood.CALM);
      SyncReport report = ended.report();
      require(report != null && report.total().aborted() == 0, "a calm run left something undone");
    }
    pass(300);
  }

  private void check() {
    Map<String, String> expected = new TreeMap<>();
    rows.forEach((key, of) -> expected.put(key, of.get(0)));
    Map<String, String> actual = destination.table();
    actual.values().removeIf(ScriptedDestination.CLEARED::equals);
    require(actual.equals(expected), "destination " + actual + ", source " + expected);
    SyncStatus status = subject.status(sync());
    for (HoldKind kind : HoldKind.values()) {
      require(status.holds(kind) == 0, "left over: " + status.holds());
    }
    require(status.unsure() == 0, "still unsure: " + status.unsure());
    require(status.syncedKeys() == expected.size(), "synced keys " + status.syncedKeys());
    require(status.upToDateAsOf() != null || nullKeys > 0, "not known to be up to date");
    Subject.Ended last = run(null, Death.never(), Mood.CALM);
    require(
        last.report() != null && last.report().total().planned() == 0,
        "something is planned although nothing is left to do");
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(otherwise);
    }
  }
}
