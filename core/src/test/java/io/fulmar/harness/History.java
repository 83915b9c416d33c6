package io.fulmar.harness;

import io.fulmar.ChangeSet;
import io.fulmar.ConfigurationException;
import io.fulmar.FulmarException;
import io.fulmar.HoldKind;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunOptions;
import io.fulmar.RunStatus;
import io.fulmar.Start;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncMode;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.harness.Death.Point;
import io.fulmar.harness.Death.Side;
import io.fulmar.harness.ScriptedDestination.Mood;
import io.fulmar.harness.ScriptedDestination.Round;
import io.fulmar.harness.ScriptedDestination.Sent;
import io.fulmar.internal.store.PlanRequest.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * A random history of a sync: rows come, change, vanish and return, keys are NULL or ambiguous,
 * settings change, runs are planned, held, approved late or too late, cancelled and killed, and the
 * destination answers what it likes. The application asks for a part, for everything again, for a
 * cleared destination; it resets, releases, forgets and moves. After each of these, what was sent
 * and remembered is held against {@link Shadow}; in the end, when the destination is calm, it must
 * hold the rows of the source, and nothing may be left to do. A history is its seed: the same seed
 * gives the same history.
 */
public final class History {
  private static final Duration CALL_DEADLINE = Duration.ofSeconds(60);
  private static final Duration PLAN_EXPIRY = Duration.ofHours(12);
  private static final int LARGE = 2_000;

  /** After these, a plan that was made before cannot be applied. */
  private static final Set<Effect> VOIDING =
      Set.of(
          Effect.RECOVERED,
          Effect.RESYNCED,
          Effect.DISCARDED,
          Effect.TAKEN,
          Effect.CLEARED,
          Effect.RELEASED,
          Effect.FOLDED,
          Effect.REBOUND);

  /** These end a clear of the destination that was begun. */
  private static final Set<Effect> CLEARING_ENDS =
      Set.of(Effect.CLEARED, Effect.TAKEN, Effect.FORGOTTEN);

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
  private final boolean quarantines;
  private final Watch watch;
  private int nullKeys;
  private int rounds;
  private SyncMode mode = SyncMode.UPSERT;
  private Removal removal = Removal.DELETE;
  private Sync.EmptyModel emptyModel = Sync.EmptyModel.DELIVER;
  private int mapping;
  private long revision;

  /** Whether there is a state, as far as it matters to requests. */
  private boolean exists;

  /** Whether a clear of the destination has begun and not ended. */
  private boolean clearing;

  /** Whether a run has died that nobody has recovered. */
  private boolean leftOpen;

  /** Whether the whole model was folded since the last time that everything was forgotten. */
  private @Nullable String lastDefinition;

  /** When each definition was folded last, in ms. */
  private final Map<String, Long> definitions = new HashMap<>();

  private @Nullable Waiting waiting;

  /** Which guards for changed definitions are on. */
  private enum Watch {
    NONE,
    CHANGES,
    RETURN
  }

  /** A plan that can be applied. */
  private record Waiting(
      String id, SyncMode mode, Removal removal, String destination, long madeAt) {}

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
    destination =
        new ScriptedDestination(
            seed,
            subject.clock(),
            lanes,
            subject::reservedUntil,
            () -> subject.status(sync()).clearing());
    shadow = new Shadow();
    removal = random.nextBoolean() ? Removal.DELETE : Removal.IGNORE;
    quarantines = random.nextInt(3) == 0;
    watch = random.nextInt(3) == 0 ? Watch.values()[1 + random.nextInt(2)] : Watch.NONE;
  }

  /**
   * Plays histories, one for each seed from a first one on; {@code -Dfulmar.seed=N} plays that one
   * alone.
   *
   * @param first the first seed
   * @param count how many
   * @param subjects makes what a history happens to
   * @return what happened in all of them, and how often
   */
  public static Map<String, Integer> playAll(
      long first, int count, LongFunction<Subject> subjects) {
    Map<String, Integer> all = new TreeMap<>();
    Long only = Long.getLong("fulmar.seed");
    long from = only == null ? first : only;
    long to = only == null ? first + count : only + 1;
    for (long seed = from; seed < to; seed++) {
      play(seed, subjects).forEach((what, times) -> all.merge(what, times, Integer::sum));
    }
    return all;
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
        "keys %d, batch rows %d, lanes %d, removal %s%s, guards %s"
            .formatted(keys, batchRows, lanes, removal, quarantines ? ", quarantines" : "", watch));
    for (int step = 0; step < steps; step++) {
      edit(random.nextInt(5));
      changeSettings();
      step(random.nextInt(34));
      pass(new int[] {1, 1, 10, 59, 61, 125, 600}[random.nextInt(7)]);
    }
    becomeCalm();
    check();
    saw("history");
    seen.merge("late calls", destination.lateCalls(), Integer::sum);
    seen.merge("changes sent", destination.changes(), Integer::sum);
    seen.merge("repeats", destination.repeatedChanges(), Integer::sum);
  }

  private void step(int dice) {
    switch (dice) {
      case 0 -> planAndApply();
      case 1 -> planRunAndApply();
      case 2 -> holdAndApprove();
      case 3, 4 -> resync();
      case 5, 6 -> clearAndFill();
      case 7 -> reset();
      case 8, 9 -> release();
      case 10 -> forget();
      case 11 -> move();
      case 12, 13, 14 -> runPart();
      case 15 -> discard();
      case 16, 17 -> planAndApplyLate();
      case 18 -> raiseRevision();
      default -> runAndMaybeApprove(RunOptions.defaults(), death());
    }
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

  /** The process lives, or dies at some step, the named ones before others. */
  private Death death(Point... likely) {
    if (random.nextInt(likely.length == 0 ? 4 : 2) != 0) {
      return Death.never();
    }
    Point[] points = Point.values();
    Point[] first = likely.length == 0 ? new Point[] {Point.WRITE} : likely;
    Point point =
        random.nextBoolean()
            ? first[random.nextInt(first.length)]
            : points[random.nextInt(points.length)];
    if (likely.length > 0) {
      return Death.at(point, random.nextBoolean() ? Side.BEFORE : Side.AFTER, 1);
    }
    return Death.at(point, random.nextBoolean() ? Side.BEFORE : Side.AFTER, 1 + random.nextInt(3));
  }

  private void pass(int seconds) {
    subject.clock().advance(Duration.ofSeconds(seconds));
    log.add(seconds + " s pass");
  }

  private Sync sync() {
    return sync(revision);
  }

  private Sync sync(long ofRevision) {
    return Sync.builder("history")
        .model(subject.model(mapping))
        .to(destination)
        .mode(mode)
        .onRemoved(removal)
        .onEmptyModel(emptyModel)
        .guardRemovals(1, 0)
        .guardChanges(watch == Watch.CHANGES ? 0 : 1, 0)
        .guardReturn(watch == Watch.RETURN ? Duration.ofDays(1) : Duration.ZERO)
        .planExpiry(PLAN_EXPIRY)
        .revision(ofRevision)
        .batchRows(batchRows)
        .lanes(lanes)
        .callDeadline(CALL_DEADLINE)
        .retryFor(Duration.ofSeconds(3))
        .maxRowBytes(LARGE / 2)
        .quarantineAfter(quarantines ? 2 : 1_000_000, Duration.ZERO)
        .build();
  }

  // ------------------------------------------------------------------------------ plan and apply

  /** Plans, lets the source go on, and delivers what was planned. */
  private void planAndApply() {
    plan(death(Point.KEEP, Point.CLOSE));
    edit(random.nextInt(3));
    apply(death());
  }

  /** A plan is stale once a run has moved the state on. */
  private void planRunAndApply() {
    plan(Death.never());
    run(RunOptions.defaults(), Death.never());
    apply(Death.never());
  }

  /** A plan is applied after something else has happened: a request, new settings, or time. */
  private void planAndApplyLate() {
    plan(Death.never());
    edit(random.nextInt(2));
    switch (random.nextInt(9)) {
      case 0 -> resync();
      case 1 -> clearAndFill();
      case 2 -> reset();
      case 3 -> release();
      case 4 -> move();
      case 5 -> discard();
      case 6 -> pass((int) PLAN_EXPIRY.toSeconds());
      case 7 -> removal = Removal.values()[random.nextInt(3)];
      default -> mode = SyncMode.values()[random.nextInt(4)];
    }
    apply(death());
  }

  /** The guard for an empty model holds the run, and the application may approve. */
  private void holdAndApprove() {
    if (!rows.isEmpty() && random.nextBoolean()) {
      rows.clear();
      nullKeys = 0;
      publish();
    }
    emptyModel = Sync.EmptyModel.HOLD;
    runAndMaybeApprove(RunOptions.defaults(), Death.never());
    emptyModel = Sync.EmptyModel.DELIVER;
  }

  private void runAndMaybeApprove(RunOptions options, Death death) {
    SyncReport report = run(options, death).report();
    if (report != null && report.status() == RunStatus.HELD) {
      edit(random.nextInt(3));
      if (random.nextBoolean()) {
        apply(death());
      } else {
        run(RunOptions.defaults(), death());
      }
    }
  }

  private void plan(Death death) {
    Planned planned = planned(Kind.RUN, null);
    boolean refused = clearing;
    Subject.Ended ended = ask("plan", engine -> engine.plan(sync()), death);
    if (ended.kept() != null) {
      plans.put(ended.kept(), planned);
    }
    require(
        ended.answer() instanceof ChangeSet || death.isDead() || refused,
        "there is no plan: " + ended.thrown());
    if (refused && !death.isDead()) {
      refused(ended, StateException.class, "plan into a destination that is being cleared");
    }
  }

  /** Applies the plan that waits, or one that did. */
  private void apply(Death death) {
    Waiting plan = waiting;
    String id = plan != null ? plan.id() : plans.isEmpty() ? "1" : plans.keySet().iterator().next();
    boolean stands = plan != null && stands(plan);
    Planned planned = plans.get(id);
    if (stands && planned != null) {
      run("apply " + id, engine -> engine.apply(sync(), id), planned, death);
      return;
    }
    destination.begin(Round.calm(++rounds), sync(), () -> {});
    Subject.Ended stale = ask("apply " + id, engine -> engine.apply(sync(), id), death);
    if (!death.isDead()) {
      refused(stale, StateException.class, "stale plan");
      require(destination.calls() + destination.clears() == 0, "a stale plan does something");
    }
  }

  private boolean stands(Waiting plan) {
    long age = subject.clock().millis() - plan.madeAt();
    return plan.mode() == mode
        && plan.removal() == removal
        && plan.destination().equals(destination.identity())
        && age < PLAN_EXPIRY.toMillis();
  }

  private void discard() {
    Subject.Ended ended =
        ask("discard", engine -> engine.discard(sync()), death(Point.DISCARD, Point.CLOSE));
    if (!exists && !ended.died()) {
      refused(ended, StateException.class, "discard without a state");
    }
  }

  // ---------------------------------------------------------------------------------------
  // requests

  private void resync() {
    run(
        "resync",
        engine -> engine.resync(sync()),
        planned(Kind.RESYNC, null),
        death(Point.PLAN, Point.OPEN, Point.WRITE, Point.FOLD));
  }

  private void clearAndFill() {
    if (mode == SyncMode.UPDATE) {
      Subject.Ended ended =
          ask("clear and fill", engine -> engine.clearAndFill(sync()), Death.never());
      refused(ended, ConfigurationException.class, "clear and fill under UPDATE");
      return;
    }
    boolean empty = rows.isEmpty() && nullKeys == 0;
    Death death =
        death(Point.PLAN, Point.BEGIN_CLEAR, Point.CLEAR, Point.END_CLEAR, Point.OPEN, Point.WRITE);
    Subject.Ended ended =
        run(
            "clear and fill",
            engine -> engine.clearAndFill(sync()),
            planned(Kind.FILL, null),
            death);
    SyncReport report = ended.report();
    if (report != null && report.status() == RunStatus.HELD) {
      saw("clear and fill held");
      if (random.nextBoolean()) {
        apply(death(Point.BEGIN_CLEAR, Point.CLEAR, Point.END_CLEAR, Point.OPEN));
      }
    }
    if (ended.did(Effect.CLEAR_BEGUN) && clearing) {
      Subject.Ended reset = ask("reset", engine -> engine.reset(sync()), Death.never());
      refused(reset, StateException.class, "reset in a clear");
    }
    boolean held = report != null && report.status() == RunStatus.HELD;
    require(
        !empty || held || report == null || report.status() == RunStatus.CANCELLED,
        "an empty model is filled into a cleared destination");
  }

  /** The operator makes the destination hold the rows of the source, and says so. */
  private void reset() {
    pass(125);
    Map<String, String> before = destination.table();
    boolean refused = !exists;
    destination.hold(present(before));
    Planned planned = planned(Kind.RESET, null);
    Subject.Ended ended =
        ask("reset", engine -> engine.reset(sync()), death(Point.PLAN, Point.TAKE_AS_DELIVERED));
    if (!ended.did(Effect.TAKEN)) {
      destination.hold(before);
    }
    if (refused && !ended.died()) {
      refused(ended, StateException.class, "reset of nothing");
    }
    require(refused || ended.died() || ended.did(Effect.TAKEN), "no reset: " + ended.thrown());
    ChangeSet set = ended.answer() instanceof ChangeSet answer ? answer : null;
    shadow.took(sync(), planned, subject.clock().millis(), set, ended);
    folded(planned, ended, Effect.TAKEN);
    saw(ended.did(Effect.TAKEN) ? "reset" : "no reset");
  }

  /** What the source holds, and what is there already of keys with several rows. */
  private Map<String, String> present(Map<String, String> table) {
    Map<String, String> present = new TreeMap<>();
    rows.forEach(
        (key, of) -> {
          if (of.size() == 1) {
            present.put(key, of.get(0));
          } else if (table.containsKey(key)) {
            present.put(key, table.get(key));
          }
        });
    return present;
  }

  private void release() {
    String only = random.nextBoolean() ? null : "k" + random.nextInt(keys);
    release(only, death(Point.RELEASE, Point.CLOSE));
  }

  private void release(@Nullable String only, Death death) {
    Subject.Ended ended =
        ask(
            only == null ? "release" : "release " + only,
            engine ->
                only == null
                    ? Long.valueOf(engine.release(sync()))
                    : Long.valueOf(engine.release(sync(), only) ? 1 : 0),
            death);
    Long answer = ended.answer() instanceof Long count ? count : null;
    shadow.released(sync(), only, answer, ended);
    if (!exists && !ended.died()) {
      refused(ended, StateException.class, "release without a state");
    }
    saw(answer != null && answer > 0 ? "released" : "nothing to release");
  }

  /** Everything is forgotten, and the sync begins anew in one of three ways. */
  private void forget() {
    if (random.nextInt(3) > 0) {
      pass(125);
    }
    Subject.Ended ended =
        ask(
            "forget",
            engine -> {
              engine.forget(sync());
              return "forgotten";
            },
            death(Point.FORGET));
    if (!ended.did(Effect.FORGOTTEN)) {
      if (!ended.died()) {
        refused(ended, StateException.class, "forget while a call may act");
        leftOpen = false;
      }
      return;
    }
    shadow.forgot();
    saw("forgotten");
    pass(1);
    switch (random.nextInt(3)) {
      case 0 -> beginFrom(new TreeMap<>(), Start.SEND);
      case 1 -> {
        Map<String, String> held = new TreeMap<>();
        rows.forEach((key, of) -> held.put(key, of.get(0)));
        held.keySet().retainAll(planned(Kind.RESET, null).valid().keySet());
        beginFrom(held, Start.BASELINE);
      }
      default -> destination.hold(Map.of());
    }
  }

  /** Begins with what is there now. */
  private void beginFrom(Map<String, String> table, Start start) {
    destination.hold(table);
    Planned planned = planned(Kind.RESET, null);
    Death death = death(Point.CLAIM, Point.PLAN, Point.TAKE_AS_DELIVERED);
    boolean done = false;
    while (!done) {
      Subject.Ended ended =
          ask(
              "initialise " + start,
              engine -> {
                engine.initialise(sync(), start);
                return start;
              },
              death);
      shadow.took(sync(), planned, subject.clock().millis(), null, ended);
      folded(planned, ended, Effect.TAKEN);
      done = start == Start.SEND ? exists : ended.did(Effect.TAKEN);
      if (!done && exists && start == Start.BASELINE) {
        Subject.Ended run = ask("run", engine -> engine.run(sync()), Death.never());
        refused(run, StateException.class, "run of what is not initialised");
      }
      death = Death.never();
    }
    saw("initialised " + start);
    Subject.Ended again =
        ask(
            "initialise again",
            engine -> {
              engine.initialise(sync(), start);
              return start;
            },
            Death.never());
    refused(again, StateException.class, "second initialise");
  }

  /** The destination gets another name. */
  private void move() {
    if (!exists) {
      return;
    }
    destination.rename("scripted:table " + ++rounds);
    Subject.Ended run = ask("run", engine -> engine.run(sync()), Death.never());
    refused(run, StateException.class, "another destination");
    Death death = death(Point.REBIND);
    boolean done = false;
    while (!done) {
      Subject.Ended ended =
          ask(
              "rebind",
              engine -> {
                engine.rebind(sync(), destination);
                return "rebound";
              },
              death);
      done = ended.did(Effect.REBOUND);
      death = Death.never();
    }
    saw("rebound");
  }

  private void runPart() {
    RunOptions.Builder options = RunOptions.builder();
    if (random.nextBoolean()) {
      options.limit(1 + random.nextInt(3));
    }
    int named = random.nextInt(3);
    for (int i = 0; i < named; i++) {
      options.key("k" + random.nextInt(keys + 1));
    }
    runAndMaybeApprove(options.build(), death());
  }

  private void raiseRevision() {
    revision++;
    run(RunOptions.defaults(), Death.never());
    destination.begin(Round.calm(++rounds), sync(), () -> {});
    Subject.Ended old = ask("run", engine -> engine.run(sync(revision - 1)), Death.never());
    refused(old, ConfigurationException.class, "old revision");
    require(destination.calls() == 0, "an old revision sends something");
  }

  // --------------------------------------------------------------------------------------------
  // run

  private void saw(String what) {
    seen.merge(what, 1, Integer::sum);
  }

  private void refused(Subject.Ended ended, Class<? extends FulmarException> by, String what) {
    require(by.isInstance(ended.thrown()), what + " is not refused: " + ended.thrown());
    saw(what + " refused");
  }

  /** What a plan sees that is made now. */
  private Planned planned(Kind kind, @Nullable Set<String> only) {
    Map<String, String> contents = new TreeMap<>();
    rows.forEach((key, of) -> contents.put(key, of.size() > 1 ? Reference5a.AMBIGUOUS : of.get(0)));
    if (only != null) {
      contents.keySet().retainAll(only);
    }
    int count = only == null ? nullKeys : 0;
    for (String key : contents.keySet()) {
      count += rows.get(key).size();
    }
    String definition = mapping + " " + mode + " " + removal;
    return new Planned(kind, contents, mapping, count, only, definition);
  }

  /** Asks something, and keeps the books. */
  private Subject.Ended ask(String what, Function<SyncEngine, ?> request, Death death) {
    log.add(what + ", process " + death);
    Subject.Ended ended = subject.ask(request, death);
    Throwable thrown = ended.thrown();
    log.add(
        "  "
            + (thrown != null ? brief(thrown) : ended.answer() instanceof SyncReport ? "" : "done")
            + " "
            + ended.effects());
    require(destination.objections().isEmpty(), "destination: " + destination.objections());
    require(subject.objections().isEmpty(), "subject: " + subject.objections());
    if (death.isDead()) {
      saw("died in " + what.split(" ")[0]);
    }
    keepBooks(ended);
    return ended;
  }

  private void keepBooks(Subject.Ended ended) {
    Set<Effect> effects = ended.effects();
    exists |= effects.contains(Effect.CLAIMED);
    boolean settled = effects.contains(Effect.CLAIMED) && !ended.died();
    if (settled || effects.contains(Effect.RECOVERED) || effects.contains(Effect.REBOUND)) {
      leftOpen = false; // whoever looks after the state settles it first
    }
    boolean moved = VOIDING.stream().anyMatch(effects::contains) || ended.isLeftOpen();
    Waiting plan = waiting;
    if (plan != null && effects.contains(Effect.CLEAR_BEGUN)) {
      Planned planned = plans.get(plan.id());
      moved |= planned == null || planned.kind() != Kind.FILL;
    }
    if (moved) {
      waiting = null;
    }
    if (ended.kept() != null) {
      waiting =
          new Waiting(
              ended.kept(), mode, removal, destination.identity(), subject.clock().millis());
    }
    clearing |= effects.contains(Effect.CLEAR_BEGUN);
    clearing &= CLEARING_ENDS.stream().noneMatch(effects::contains);
    leftOpen |= ended.isLeftOpen();
    if (effects.contains(Effect.FORGOTTEN)) {
      exists = false;
      leftOpen = false;
      waiting = null;
      lastDefinition = null;
      definitions.clear();
    }
    SyncStatus status = subject.status(sync());
    require(status.clearing() == clearing, "clearing is " + status.clearing());
    if (!leftOpen) {
      Waiting now = waiting;
      String stands = now != null && stands(now) ? now.id() : null;
      require(
          Objects.equals(stands, status.heldPlan()),
          "the plan that waits is " + status.heldPlan() + ", not " + stands);
    }
  }

  private Subject.Ended run(RunOptions options, Death death) {
    Mood[] moods = Mood.values();
    return run(options, death, moods[random.nextInt(moods.length)]);
  }

  private Subject.Ended run(RunOptions options, Death death, Mood mood) {
    Set<String> only = options.keys().isEmpty() ? null : new TreeSet<>();
    options.keys().forEach(key -> require(only).add(key.get(0)));
    String part =
        (only == null ? "" : " of " + only)
            + (options.limit() == Long.MAX_VALUE ? "" : " limit " + options.limit());
    Planned planned = planned(Kind.RUN, only);
    Subject.Ended ended =
        run("run" + part, engine -> engine.run(sync(), options), planned, death, mood);
    require(destination.sent().size() <= options.limit(), "more is sent than was asked for");
    saw(part.isEmpty() ? "run" : "run of a part");
    if (options.limit() == Long.MAX_VALUE && only == null) {
      folded(planned, ended, Effect.FOLDED);
    }
    return ended;
  }

  private Subject.Ended run(
      String what, Function<SyncEngine, SyncReport> request, Planned planned, Death death) {
    Mood[] moods = Mood.values();
    Subject.Ended ended = run(what, request, planned, death, moods[random.nextInt(moods.length)]);
    if (planned.keys() == null) {
      folded(planned, ended, Effect.FOLDED);
    }
    return ended;
  }

  /** Notes that the whole model was folded under a definition. */
  private void folded(Planned planned, Subject.Ended ended, Effect by) {
    if (ended.did(by)) {
      lastDefinition = planned.definition();
      definitions.put(planned.definition(), subject.clock().millis());
    }
  }

  private Subject.Ended run(
      String what,
      Function<SyncEngine, SyncReport> request,
      Planned planned,
      Death death,
      Mood mood) {
    int cancelAt = random.nextInt(15) == 0 ? 1 + random.nextInt(3) : 0;
    Sync sync = sync();
    rounds++;
    log.add(
        "%d: %s, %s%s"
            .formatted(
                rounds,
                mode + "/" + removal,
                mood,
                cancelAt == 0 ? "" : ", cancelled in call " + cancelAt));
    destination.begin(
        new Round(rounds, mood, death, mood == Mood.CALM ? 0 : cancelAt),
        sync,
        () -> subject.cancel(sync));
    Subject.Ended ended = ask(what, request, death);
    Map<String, Sent> sent = destination.sent();
    sent.forEach((key, of) -> log.add("  " + key + " " + Shadow.brief(of)));
    SyncReport report = ended.report();
    if (report != null) {
      log.add("  " + report.status() + " " + brief(report));
    }
    require(report != null || death.isDead(), "the run threw " + ended.thrown());
    ChangeSet set = report == null ? null : report.changeSet();
    if (ended.kept() != null) {
      plans.put(ended.kept(), planned);
    }
    saw(report == null ? "died" : report.status().toString());
    saw(death.isDead() && ended.did(Effect.FOLDED) ? "died after the fold" : "ended as it seems");
    saw(death.isDead() && clearing ? "died in a clear" : "did not die in a clear");
    saw(ended.did(Effect.CLEARED) ? "cleared for " + planned.kind() : "not cleared");
    saw(ended.did(Effect.CLEAR_BEGUN) && clearing ? "not cleared in the end" : "no failed clear");
    saw(ended.did(Effect.RESYNCED) ? "resync" : "no resync");
    saw(ended.did(Effect.RESYNCED) && ended.isLeftOpen() ? "died in a resync" : "no dead resync");
    saw(set != null && set.held() > 0 ? "held rows" : "no held rows");
    saw(set != null && set.ignored() > 0 ? "ignored rows" : "no ignored rows");
    saw(set != null && set.invalid() > 0 ? "invalid rows" : "no invalid rows");
    saw(report != null && report.newlyQuarantined() > 0 ? "quarantined" : "not quarantined");
    saw(what.startsWith("apply") && ended.did(Effect.FOLDED) ? "plan applied" : "nothing applied");
    sent.values().forEach(of -> of.calls().forEach(call -> saw(call.toString())));
    sent.values().forEach(of -> saw(of.operation() + " sent"));
    shadow.ran(sync, planned, subject.clock().millis(), sent, ended);
    if (report != null) {
      check(what, report, planned);
    }
    if (!death.isDead()) {
      subject.memory().ifPresent(of -> shadow.check(of, subject.clock().millis()));
    }
    return ended;
  }

  private static String brief(SyncReport report) {
    SyncReport.Counts total = report.total();
    return "planned %d, accepted %d, skipped %d, failed %d, aborted %d"
        .formatted(
            total.planned(), total.accepted(), total.skipped(), total.failed(), total.aborted());
  }

  private static String brief(Throwable thrown) {
    StringBuilder all = new StringBuilder();
    for (Throwable e = thrown; e != null; e = e.getCause()) {
      all.append(all.length() == 0 ? "" : " <- ").append(e);
      StackTraceElement[] trace = e.getStackTrace();
      all.append(trace.length == 0 ? "" : " at " + trace[0]);
    }
    return all.toString();
  }

  private void check(String what, SyncReport report, Planned planned) {
    ChangeSet set = report.changeSet();
    if (report.status() == RunStatus.HELD || set == null) {
      require(destination.calls() == 0, "a held run has sent something");
      if (report.status() == RunStatus.HELD && set != null) {
        saw("HELD for " + planned.kind());
        require(
            !set.guards().isEmpty() && waiting != null && waiting.id().equals(set.id()),
            "there is nothing to approve: " + set);
        Planned approvable = require(plans.get(set.id()));
        require(
            approvable.kind() == planned.kind()
                && Objects.equals(approvable.keys(), planned.keys()),
            "something else is approved than was held: " + approvable);
      }
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
    if (!what.startsWith("apply")) {
      checkGuards(set, planned);
    }
  }

  /** A run that delivers is one that the guards do not hold. */
  private void checkGuards(ChangeSet set, Planned planned) {
    boolean other = lastDefinition != null && !lastDefinition.equals(planned.definition());
    boolean changes = set.planned(Operation.CHANGED) > 0;
    Long before = definitions.get(planned.definition());
    boolean returns =
        before != null && before + Duration.ofDays(1).toMillis() > subject.clock().millis();
    require(
        watch != Watch.CHANGES || !other || !changes || set.syncedKeys() == 0,
        "a changed definition is delivered");
    require(
        watch != Watch.RETURN || !other || !changes || !returns,
        "a definition that came back is delivered");
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
    pass(300);
    for (int i = 0; i < 3; i++) {
      SyncReport report = runCalmly();
      require(report.total().aborted() == 0, "a calm run left something undone");
      pass(300);
      release(null, Death.never());
    }
    runCalmly();
    pass(300);
  }

  /** Runs, and approves what is held. */
  private SyncReport runCalmly() {
    SyncReport report = run(RunOptions.defaults(), Death.never(), Mood.CALM).report();
    Waiting plan = waiting;
    if (report != null && report.status() == RunStatus.HELD && plan != null) {
      Planned planned = require(plans.get(plan.id()));
      report =
          run(
                  "apply " + plan.id(),
                  engine -> engine.apply(sync(), plan.id()),
                  planned,
                  Death.never(),
                  Mood.CALM)
              .report();
      if (planned.keys() == null) {
        lastDefinition = planned.definition();
        definitions.put(planned.definition(), subject.clock().millis());
      }
    }
    return require(report);
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
    require(
        runCalmly().total().planned() == 0, "something is planned although nothing is left to do");
  }

  private static <T> T require(@Nullable T value) {
    if (value == null) {
      throw new AssertionError("something is missing");
    }
    return value;
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(otherwise);
    }
  }
}
