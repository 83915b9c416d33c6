package io.fulmar.testkit.harness;

import io.fulmar.Action;
import io.fulmar.AlreadyRunningException;
import io.fulmar.ChangeSet;
import io.fulmar.Explanation;
import io.fulmar.FulmarException;
import io.fulmar.Removal;
import io.fulmar.Row;
import io.fulmar.RunEvent;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.SyncReport.Counts;
import io.fulmar.SyncStatus;
import io.fulmar.testkit.harness.CallLog.Fate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One random history; see {@link RandomHistories}. */
final class History {
  private static final Duration DEADLINE = Duration.ofSeconds(1);
  private static final Duration GRACE = Duration.ofMillis(400);
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final int MOST_RUNS = 8;
  private static final List<Storm.Mood> MOODS =
      List.of(Storm.Mood.CALM, Storm.Mood.GUSTY, Storm.Mood.WILD, Storm.Mood.WILD);

  private final Random random;
  private final HistorySubject subject;
  private final ShiftedClock clock = new ShiftedClock();
  private final List<String> log = new ArrayList<>();
  private final Map<String, Integer> events = new TreeMap<>();
  private final CallLog calls;
  private final Storm storm;
  private final Witness witness;
  private final int keys;
  private final int lanes;
  private final int batchRows;
  private final boolean quarantines;

  /** Contents by key; a key with several is ambiguous. */
  private final TreeMap<String, List<String>> rows = new TreeMap<>();

  private int nullKeys;

  /** What resets have taken as accepted. */
  private final Map<String, Set<String>> assumed = new HashMap<>();

  /** Whether something was forgotten without a removal: by a clear, or altogether. */
  private boolean forgotten;

  /** What a listener has found, whose exceptions nobody sees. */
  private @Nullable String overheard;

  private SyncMode mode = SyncMode.UPSERT;
  private Removal removal = Removal.DELETE;
  private SyncEngine engine;
  private @Nullable String plan;
  private long runs;

  private History(long seed, HistorySubject subject) throws Exception {
    this.random = new Random(seed);
    this.subject = subject;
    random.nextInt();
    keys = 1 + random.nextInt(9);
    lanes = random.nextInt(4) == 0 ? 3 : 1;
    batchRows = 1 + random.nextInt(4);
    quarantines = random.nextInt(3) == 0;
    calls = new CallLog(line -> {});
    Sync sync = subject.sync().build();
    storm = new Storm(sync.destination(), seed, clock);
    witness = Witness.of(sync, storm, calls, GRACE.dividedBy(2));
    engine = subject.open(clock, GRACE);
  }

  /**
   * Plays a history.
   *
   * @throws AssertionError with the seed and everything that happened, if something is wrong
   */
  static History play(long seed, RandomHistories.Subjects subjects) throws InterruptedException {
    List<String> log = List.of();
    try {
      HistorySubject subject = subjects.make(seed);
      History history = new History(seed, subject);
      log = history.log;
      try {
        history.play();
      } finally {
        history.storm.letGo();
        history.engine.close();
        subject.remove();
      }
      return history;
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception | AssertionError e) {
      throw new AssertionError(
          "History -Dfulmar.seed=%s: %s%n%s"
              .formatted(seed, e.getMessage(), String.join(System.lineSeparator(), log)),
          e);
    }
  }

  long runs() {
    return runs;
  }

  long changes() {
    return calls.changes();
  }

  Map<String, Integer> events() {
    Map<String, Integer> all = new TreeMap<>(events);
    storm.seen().forEach((what, times) -> all.merge("storm: " + what, times, Integer::sum));
    return all;
  }

  private void saw(String what) {
    events.merge(what, 1, Integer::sum);
  }

  // ------------------------------------------------------------------------------------- the
  // course

  private void play() throws Exception {
    log.add(
        "keys %s, batch rows %s, lanes %s%s"
            .formatted(keys, batchRows, lanes, quarantines ? ", quarantines" : ""));
    int steps = 3 + random.nextInt(12);
    for (int step = 0; step < steps; step++) {
      edit();
      changeSettings();
      request(random.nextInt(20));
      check();
      pass(Duration.ofMillis(new int[] {0, 1, 400, 1_500, 3_000, 60_000}[random.nextInt(6)]));
    }
    becomeCalm();
    saw("history");
  }

  private void pass(Duration duration) {
    clock.advance(duration);
    storm.actLate();
  }

  private void edit() throws Exception {
    boolean invalid = subject.takesInvalidKeys();
    int edits = random.nextInt(8);
    for (int i = 0; i < edits; i++) {
      String key = "k" + random.nextInt(keys);
      switch (random.nextInt(8)) {
        case 0, 1 -> rows.remove(key);
        case 2 -> {
          if (invalid && rows.containsKey(key)) {
            rows.get(key).add(content());
          }
        }
        default -> rows.put(key, new ArrayList<>(List.of(content())));
      }
    }
    nullKeys = invalid ? random.nextInt(6) / 5 : 0;
    write();
    log.add("rows " + rows + (nullKeys > 0 ? " and one without a key" : ""));
  }

  private String content() {
    return String.valueOf("abcd".charAt(random.nextInt(4)));
  }

  private void write() throws Exception {
    List<HistoryRow> all = new ArrayList<>();
    rows.forEach((key, contents) -> contents.forEach(each -> all.add(new HistoryRow(key, each))));
    for (int i = 0; i < nullKeys; i++) {
      all.add(new HistoryRow(null, content()));
    }
    subject.replace(all);
  }

  private void changeSettings() {
    if (random.nextInt(8) == 0) {
      List<SyncMode> modes = new ArrayList<>(List.of(SyncMode.UPSERT, SyncMode.ALL));
      Set<Action> actions = storm.capabilities().actions();
      if (actions.contains(Action.INSERT)) {
        modes.add(SyncMode.INSERT);
      }
      if (actions.contains(Action.UPDATE)) {
        modes.add(SyncMode.UPDATE);
      }
      mode = modes.get(random.nextInt(modes.size()));
      log.add("mode " + mode);
    }
    if (random.nextInt(8) == 0) {
      removal = removal == Removal.DELETE ? Removal.IGNORE : Removal.DELETE;
      log.add("removal " + removal);
    }
  }

  private Sync.Builder builder() {
    try {
      return subject
          .sync()
          .to(witness)
          .mode(mode)
          .onRemoved(removal)
          .batchRows(batchRows)
          .lanes(lanes)
          .callDeadline(DEADLINE)
          .retryFor(Duration.ofMillis(300))
          .quarantineAfter(quarantines ? 2 : 1_000, Duration.ZERO)
          .guardRemovals(1, 0)
          .guardChanges(1, 0)
          .guardReturn(Duration.ZERO)
          .onEmptyModel(Sync.EmptyModel.DELIVER)
          .failFast(1, 1_000)
          .listener(this::heard);
    } catch (Exception e) {
      throw new IllegalStateException("the subject gives no sync", e);
    }
  }

  private Sync sync() {
    return builder().build();
  }

  private void heard(RunEvent event) {
    if (event instanceof RunEvent.Recovered found) {
      long answered = calls.count(found.interruptedRun(), Fate.ACCEPTED);
      if (found.accepted() > answered) {
        synchronized (this) {
          overheard =
              "the interrupted run %s is taken in with %s accepted changes, and %s were accepted"
                  .formatted(found.interruptedRun(), found.accepted(), answered);
        }
      }
    }
  }

  // ------------------------------------------------------------------------------------ the
  // requests

  private void request(int dice) throws Exception {
    int at = random.nextInt(3) == 0 ? 1 + random.nextInt(3) : 0;
    Storm.Mood mood = MOODS.get(random.nextInt(MOODS.size()));
    storm.round(mood, 0, () -> {});
    switch (dice) {
      case 0 -> part();
      case 1 -> single();
      case 2 -> planAndApply();
      case 3 -> held();
      case 4 -> {
        Sync stopping = sync();
        stopped("cancel", at, () -> engine.cancel(stopping));
      }
      case 5 -> interrupted(at);
      case 6 -> closed(at);
      case 7 -> report("resync", () -> engine.resync(sync()));
      case 8 -> {
        log.add("release all: " + ask(() -> engine.release(sync())));
        saw("release");
      }
      case 9 -> {
        String key = "k" + random.nextInt(keys);
        log.add("release " + key + ": " + ask(() -> engine.release(sync(), key)));
      }
      case 10 -> {
        if (storm.capabilities().canClear() && mode == SyncMode.UPSERT) {
          clearAndFill();
        } else {
          report("run", () -> engine.run(sync()));
        }
      }
      case 11 -> calmReset();
      case 12 -> calmForget();
      default -> report("run in " + mood, () -> engine.run(sync()));
    }
    storm.round(Storm.Mood.CALM, 0, () -> {});
    storm.letGo();
  }

  private void part() {
    int limit = 1 + random.nextInt(3);
    report("run of " + limit, () -> engine.run(sync(), RunOptions.builder().limit(limit).build()));
  }

  private void single() {
    String key = "k" + random.nextInt(keys);
    report("run of " + key, () -> engine.run(sync(), RunOptions.builder().key(key).build()));
  }

  private void planAndApply() throws Exception {
    ChangeSet planned = ask(() -> engine.plan(sync()));
    if (planned == null) {
      return;
    }
    plan = planned.id();
    log.add("plan " + planned.planned());
    saw("plan");
    if (random.nextBoolean()) {
      edit();
    }
    if (random.nextInt(4) == 0) {
      log.add("discard: " + ask(() -> engine.discard(sync())));
    }
    if (random.nextInt(4) > 0) {
      apply();
    }
  }

  private void held() throws Exception {
    Sync guarded = builder().guard(set -> Optional.of("nobody has looked at it")).build();
    SyncReport report = report("guarded run", () -> engine.run(guarded));
    if (report != null && report.status() == RunStatus.HELD) {
      saw("held");
      if (calls.sent(report.run()) > 0) {
        throw new AssertionError("a run that was held has sent something");
      }
      Optional<ChangeSet> stored = ask(() -> engine.storedPlan(sync()));
      if (stored == null || stored.isEmpty()) {
        throw new AssertionError("a run was held, and there is no stored plan");
      }
      plan = stored.get().id();
      if (random.nextBoolean()) {
        edit();
      }
      apply();
    }
  }

  /** A plan that something has overtaken is refused, and then nothing is sent. */
  private void apply() {
    String id = plan;
    plan = null;
    if (id != null) {
      int before = calls.size();
      SyncReport report = report("apply", () -> engine.apply(sync(), id));
      if (report == null && calls.size() > before) {
        throw new AssertionError("a plan was refused, and something was sent");
      }
    }
  }

  private void stopped(String how, int at, Runnable what) {
    storm.round(Storm.Mood.GUSTY, Math.max(1, at), what);
    report("run with a " + how, () -> engine.run(sync()));
    saw(how);
  }

  private void interrupted(int at) {
    Thread caller = Thread.currentThread();
    stopped("interrupt", at, caller::interrupt);
    Thread.interrupted(); // the engine keeps it for the caller
  }

  private void closed(int at) throws Exception {
    SyncEngine closing = engine;
    List<Thread> closers = new ArrayList<>();
    stopped(
        "close",
        at,
        () -> {
          Thread closer = new Thread(closing::close, "fulmar-history-close");
          synchronized (closers) {
            closers.add(closer);
          }
          closer.start();
        });
    storm.letGo();
    synchronized (closers) {
      for (Thread closer : closers) {
        closer.join();
      }
    }
    engine.close();
    engine = subject.open(clock, GRACE);
  }

  private void clearAndFill() {
    forgotten = true;
    SyncReport report = report("clear and fill", () -> engine.clearAndFill(sync()));
    saw("clear and fill");
    ChangeSet held = report == null ? null : report.changeSet();
    if (report != null && report.status() == RunStatus.HELD && held != null) {
      plan = held.id();
      apply(); // an empty model is always held
    }
  }

  private void calmReset() throws Exception {
    becomeCalm();
    log.add("reset");
    ask(() -> engine.reset(sync()));
    saw("reset");
    plan = null;
    for (int i = 0; i < keys; i++) {
      String key = "k" + i;
      Explanation found = ask(() -> engine.explain(sync(), key));
      Row row = found == null ? null : found.row();
      if (row != null) {
        assumed
            .computeIfAbsent(key, each -> new HashSet<>())
            .add(Sent.content(row, sync().model().key(), Set.of()));
      }
    }
  }

  /**
   * What a sync that is forgotten does not send again, nobody removes any more: a key that is
   * ambiguous now, say, and absent later.
   */
  private void calmForget() throws Exception {
    if (rows.values().stream().anyMatch(contents -> contents.size() > 1)) {
      return;
    }
    becomeCalm();
    log.add("forget");
    ask(
        () -> {
          engine.forget(sync());
          return true;
        });
    saw("forget");
    plan = null;
    forgotten = true;
    becomeCalm();
  }

  /** The report of a run; null if the engine refused it as it may. */
  private @Nullable SyncReport report(String what, Supplier<SyncReport> run) {
    runs++;
    SyncReport report;
    try {
      report = patiently(run);
    } catch (FulmarException e) {
      log.add(what + ": " + e.getMessage());
      if (!(e instanceof StateException) && !isStopping(what)) {
        throw e;
      }
      saw("refused: " + e.getClass().getSimpleName());
      return null;
    } catch (IllegalStateException e) {
      if (!what.contains("close")) {
        throw e;
      }
      log.add(what + ": " + e.getMessage());
      return null;
    }
    log.add(
        "%s: %s %s%s"
            .formatted(
                what,
                report.status(),
                report.counts(),
                report.problem().map(" "::concat).orElse("")));
    saw("run " + report.status());
    compare(report);
    return report;
  }

  private static boolean isStopping(String what) {
    return what.contains("close") || what.contains("interrupt") || what.contains("cancel");
  }

  /** What no run is needed for; null if the engine refuses it as it may. */
  private <T> @Nullable T ask(Supplier<T> asked) {
    try {
      return patiently(asked);
    } catch (StateException e) {
      log.add("refused: " + e.getMessage());
      return null;
    }
  }

  /** An engine that was closed in mid-run keeps its lease until that ends. */
  static <T> T patiently(Supplier<T> asked) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try {
        return asked.get();
      } catch (AlreadyRunningException e) {
        if (System.nanoTime() > end) {
          throw e;
        }
        LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
      }
    }
  }

  // -------------------------------------------------------------------------------------- the
  // oracles

  private void compare(SyncReport report) {
    long run = report.run();
    Counts total = report.total();
    long accepted = calls.count(run, Fate.ACCEPTED);
    long skipped = calls.count(run, Fate.SKIPPED);
    boolean fits =
        calls.isDoubtful(run)
            ? total.accepted() <= accepted && total.skipped() <= skipped
            : total.accepted() == accepted && total.skipped() == skipped;
    if (!fits) {
      throw new AssertionError(
          "run %s counts %s changes as accepted and %s as skipped; the destination accepted %s and skipped %s"
              .formatted(run, total.accepted(), total.skipped(), accepted, skipped));
    }
    long sent = calls.sent(run);
    if (total.attempted() > total.planned()
        || report.abandonedCalls() == 0 && total.attempted() > sent) {
      throw new AssertionError(
          "run %s counts %s changes as attempted, of %s that were sent and %s that were planned"
              .formatted(run, total.attempted(), sent, total.planned()));
    }
  }

  /** What must hold at any time. */
  private void check() {
    List<String> wrong = new ArrayList<>(calls.violations());
    wrong.addAll(storm.violations());
    synchronized (this) {
      if (overheard != null) {
        wrong.add(overheard);
      }
    }
    if (!wrong.isEmpty()) {
      throw new AssertionError(String.join("; ", wrong));
    }
    if (sync().mapping() == null) {
      checkAccepted("k" + random.nextInt(keys));
    }
  }

  /** What the engine takes as accepted, the destination has accepted. */
  private void checkAccepted(String key) {
    Explanation found = ask(() -> engine.explain(sync(), key));
    if (found == null) {
      return;
    }
    Set<String> may = new HashSet<>(calls.accepted().getOrDefault(key, Set.of(CallLog.ABSENT)));
    may.addAll(assumed.getOrDefault(key, Set.of()));
    Row row = found.row();
    String claimed = null;
    if (found.accepted() == Explanation.Accepted.THIS_VERSION && row != null) {
      claimed = Sent.content(row, sync().model().key(), Set.of());
    } else if (found.source() == Explanation.InSource.ABSENT
        && found.accepted() == Explanation.Accepted.NOTHING
        && found.held() == null
        && !forgotten) {
      claimed = CallLog.ABSENT;
    }
    if (claimed != null) {
      saw("explanation compared");
      if (!may.contains(claimed)) {
        throw new AssertionError(
            "of key %s, %s counts as accepted, and the destination has accepted %s: %s"
                .formatted(key, claimed, may, found.text()));
      }
    }
  }

  /** The storm is over: in the end everything is where it belongs, and nothing is left to do. */
  private void becomeCalm() throws Exception {
    storm.letGo();
    storm.round(Storm.Mood.CALM, 0, () -> {});
    mode = SyncMode.UPSERT;
    removal = Removal.DELETE;
    log.add("calm");
    pass(DEADLINE.multipliedBy(5));
    plan = null;
    int before = calls.size();
    SyncReport report = null;
    for (int i = 0; i < MOST_RUNS && (report == null || report.total().planned() > 0); i++) {
      ask(() -> engine.release(sync()));
      before = calls.size();
      report = report("calm run", () -> engine.run(sync()));
      check();
    }
    if (report == null || report.total().planned() > 0) {
      throw new AssertionError("after %s calm runs, something is still due".formatted(MOST_RUNS));
    }
    if (report.status() != RunStatus.SUCCEEDED && report.status() != RunStatus.WARNING) {
      throw new AssertionError("a calm run ended as " + report.problem().orElse(""));
    }
    if (calls.size() > before) {
      throw new AssertionError("a run that planned nothing has sent something");
    }
    compareWithSource();
  }

  private void compareWithSource() throws Exception {
    Map<String, String> valid = new TreeMap<>();
    Map<String, String> there = new TreeMap<>(subject.contents());
    boolean ambiguous = false;
    for (Map.Entry<String, List<String>> row : rows.entrySet()) {
      if (row.getValue().size() == 1) {
        valid.put(row.getKey(), row.getValue().get(0));
      } else {
        there.remove(row.getKey()); // it stays as it was
        ambiguous = true;
      }
    }
    String difference = LifeProcess.difference(valid, there);
    if (difference != null) {
      throw new AssertionError(
          "nothing is due any more, and the destination differs from the source: " + difference);
    }
    SyncStatus status = ask(() -> engine.status(sync()));
    if (status != null && !ambiguous) {
      boolean isSettled =
          status.unsure() == 0
              && status.holds().values().stream().allMatch(count -> count == 0)
              && status.syncedKeys() == valid.size()
              && !status.clearing();
      if (!isSettled) {
        throw new AssertionError(
            "everything is accepted, and the status does not say so: " + status);
      }
    }
    saw("calm");
  }
}
