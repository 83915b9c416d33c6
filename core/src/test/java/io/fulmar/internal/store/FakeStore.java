package io.fulmar.internal.store;

import io.fulmar.AlreadyRunningException;
import io.fulmar.Change;
import io.fulmar.ChangeSet;
import io.fulmar.ConfigurationException;
import io.fulmar.Explanation;
import io.fulmar.FailureCodes;
import io.fulmar.HeldChange;
import io.fulmar.HoldKind;
import io.fulmar.InvalidRow;
import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelValidation;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.Row;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.SyncStatus;
import io.fulmar.harness.Reference5a;
import io.fulmar.harness.Reference5a.Call;
import io.fulmar.harness.Reference5a.Held;
import io.fulmar.harness.Reference5a.Remembered;
import io.fulmar.harness.Reference5a.Rule;
import io.fulmar.harness.Reference5a.Settings;
import io.fulmar.harness.Reference5a.Step;
import io.fulmar.harness.SourceRow;
import io.fulmar.spi.Batch;
import io.fulmar.spi.CheckSteps;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A source of rows (k, v) and the memory of one sync, both in this object: what a process that dies
 * leaves behind. Plans and folds by {@link Reference5a}, so whoever runs against it is held to the
 * reference. Strict: a caller that breaks the protocol of {@link Claim} gets an {@link
 * AssertionError}, and the breach stays on record in {@link #breaches}. This class is threadsafe.
 */
public final class FakeStore implements SyncStore {
  private static final int NOT_RESERVED = 0;

  /** Codes of changes that are rejected without a call. */
  private static final Set<String> UNSENT =
      Set.of(
          FailureCodes.ROW_TOO_LARGE, FailureCodes.COMPUTE_FAILED, FailureCodes.VALUE_WITHOUT_FORM);

  private final Clock clock;
  private final Set<Rule> leftOut;
  private final List<String> breaches = new ArrayList<>();
  private final TreeMap<String, Remembered> memory = new TreeMap<>();
  private List<SourceRow> source = List.of();
  private long lastRun;
  private long stateVersion;
  private @Nullable SyncMode foldedMode;
  private @Nullable Removal foldedRemoval;
  private @Nullable Kept kept;
  private @Nullable Journal journal;
  private @Nullable FakeClaim holder;
  private SyncStatus.@Nullable LastRun lastEnded;
  private @Nullable Instant lastSuccessAt;
  private int failuresInARow;
  private @Nullable Instant upToDateAsOf;
  private Definitions definitions = Definitions.NONE;
  private @Nullable String destination;
  private long revision;
  private long epoch;
  private boolean clearing;
  private long clearUntil;
  private boolean initialising;

  /** An empty source and an empty memory. */
  public FakeStore(Clock clock) {
    this(clock, EnumSet.noneOf(Rule.class));
  }

  /** An empty source and an empty memory that follow all rules but some. */
  public FakeStore(Clock clock, Set<Rule> leftOut) {
    this.clock = clock;
    this.leftOut = Set.copyOf(leftOut);
  }

  /** A plan with everything that is needed to fold it. */
  private record Plan(
      StoredPlan stored,
      Settings settings,
      Map<String, Step> steps,
      List<Entry> entries,
      Map<String, String> definition,
      Instant snapshotAt) {
    String id() {
      return stored.changeSet().id();
    }
  }

  /** A planned change. */
  private record Entry(String key, Step step, PlannedChange planned) {}

  /** A plan that waits for approval. */
  private record Kept(
      Plan plan,
      long stateVersion,
      SyncMode mode,
      Removal removal,
      String destination,
      long madeAt) {}

  /** What a run that delivers writes down as it goes; survives its death. */
  private static final class Journal {
    final long run;
    final Plan plan;
    final long[] reservedUntil;
    final @Nullable Outcome[] outcomes;
    final boolean[] durable;

    Journal(long run, Plan plan) {
      this.run = run;
      this.plan = plan;
      int size = plan.entries().size();
      reservedUntil = new long[size];
      outcomes = new Outcome[size];
      durable = new boolean[size];
    }
  }

  /** Replaces the rows of the source. */
  public synchronized void source(List<SourceRow> rows) {
    source = List.copyOf(rows);
  }

  /** Everything that is remembered, by key. */
  public synchronized Map<String, Remembered> memory() {
    return new TreeMap<>(memory);
  }

  /** How often and how the protocol has been broken so far. */
  public synchronized List<String> breaches() {
    return List.copyOf(breaches);
  }

  /**
   * The process that runs the sync dies: its claim is void, and what it acknowledged since the last
   * flush is lost.
   */
  public synchronized void kill() {
    die(false);
  }

  /** As {@link #kill}, but what was acknowledged had reached the disk already. */
  public synchronized void killAfterWriting() {
    die(true);
  }

  private void die(boolean written) {
    Journal left = journal;
    if (left != null) {
      for (int i = 0; i < left.outcomes.length; i++) {
        if (!left.durable[i] && !written) {
          left.outcomes[i] = null;
        }
      }
    }
    holder = null;
  }

  /**
   * To be asked by a destination for each call.
   *
   * @param batch what it was called with
   * @return the moment until which the call may act by what is on record
   */
  public synchronized long reservedUntil(Batch batch) {
    Journal open = journal;
    if (open == null || holder == null) {
      throw breach("a batch is sent by nobody who holds the sync");
    }
    long earliest = Long.MAX_VALUE;
    for (Change change : batch.changes()) {
      int position = -1;
      for (Entry entry : open.plan.entries()) {
        if (entry.planned().change().equals(change)) {
          position = (int) entry.planned().position();
        }
      }
      if (position < 0) {
        throw breach("a change is sent that is not in the plan: " + change.changeId());
      }
      if (open.reservedUntil[position] == NOT_RESERVED) {
        throw breach("position " + position + " is sent and was not reserved");
      }
      if (open.outcomes[position] != null) {
        throw breach("position " + position + " is sent after its acknowledgement");
      }
      earliest = Math.min(earliest, open.reservedUntil[position]);
    }
    return earliest;
  }

  @Override
  public synchronized Claim claim(Sync sync, Purpose purpose) {
    if (holder != null) {
      throw new AlreadyRunningException("Cannot run " + sync.name() + ": it is running.");
    }
    boolean initialise =
        purpose == Purpose.INITIALISE_EMPTY || purpose == Purpose.INITIALISE_AS_DELIVERED;
    if (initialise && lastRun > 0 && !initialising) {
      throw new StateException("Cannot initialise " + sync.name() + ": it has a state.");
    }
    if (!initialise && initialising) {
      throw new StateException("Cannot run " + sync.name() + ": it is not initialised yet.");
    }
    if (purpose == Purpose.EXISTING && destination == null) {
      throw new StateException("Cannot use the state of " + sync.name() + ": there is none.");
    }
    if (sync.revision() < revision) {
      throw new ConfigurationException("Cannot run " + sync.name() + ": its revision is old.");
    }
    if (destination != null && !destination.equals(sync.destination().identity())) {
      throw new StateException("Cannot run " + sync.name() + ": another destination.");
    }
    revision = sync.revision();
    destination = sync.destination().identity();
    initialising = purpose == Purpose.INITIALISE_AS_DELIVERED;
    lastRun = Math.max(lastRun + 1, clock.millis());
    FakeClaim claim = new FakeClaim(sync, lastRun);
    holder = claim;
    return claim;
  }

  @Override
  public synchronized SyncStatus status(Sync sync) {
    Map<HoldKind, Long> holds = new EnumMap<>(HoldKind.class);
    for (HoldKind kind : HoldKind.values()) {
      holds.put(kind, heldAs(kind));
    }
    long synced = memory.values().stream().filter(m -> m.accepted() != null).count();
    long unsure =
        memory.values().stream().filter(m -> m.held() != null && m.held().unsure()).count();
    Kept waiting = kept;
    return new SyncStatus(
        sync.name(),
        lastEnded,
        lastSuccessAt,
        failuresInARow,
        synced,
        holds,
        unsure,
        upToDateAsOf,
        waiting == null || isStale(waiting, sync) ? null : waiting.plan().id(),
        clearing);
  }

  private long heldAs(HoldKind kind) {
    return memory.values().stream()
        .filter(m -> m.held() != null && m.held().kind() == kind)
        .count();
  }

  @Override
  public synchronized void forget(Sync sync) {
    if (holder != null) {
      throw new AlreadyRunningException("Cannot forget " + sync.name() + ": it is running.");
    }
    settleLeft();
    if (mayActUntil() > clock.millis()) {
      throw new StateException("Cannot forget " + sync.name() + ": a call may still act.");
    }
    memory.clear();
    kept = null;
    lastRun = 0;
    stateVersion++;
    foldedMode = null;
    foldedRemoval = null;
    definitions = Definitions.NONE;
    destination = null;
    revision = 0;
    clearing = false;
    clearUntil = 0;
    initialising = false;
    lastEnded = null;
    lastSuccessAt = null;
    upToDateAsOf = null;
    failuresInARow = 0;
  }

  @Override
  public synchronized void rebind(Sync sync, String identity) {
    if (holder != null) {
      throw new AlreadyRunningException("Cannot rebind " + sync.name() + ": it is running.");
    }
    if (destination == null) {
      throw new StateException("Cannot rebind " + sync.name() + ": it has no state.");
    }
    settleLeft();
    destination = identity;
    stateVersion++;
  }

  @Override
  public synchronized @Nullable ChangeSet storedPlan(Sync sync) {
    Kept waiting = kept;
    return waiting == null || isStale(waiting, sync) ? null : waiting.plan().stored().changeSet();
  }

  @Override
  public List<HeldChange> holds(Sync sync, int limit) {
    throw new UnsupportedOperationException("the fake tells its memory() instead");
  }

  @Override
  public Explanation explain(Sync sync, List<String> key) {
    throw new UnsupportedOperationException("the fake tells its memory() instead");
  }

  private long mayActUntil() {
    return memory.values().stream().mapToLong(Remembered::until).reduce(clearUntil, Math::max);
  }

  /** Settles what a process that died has left open; null if there is nothing. */
  private @Nullable Recovery settleLeft() {
    Journal left = journal;
    if (left == null) {
      return null;
    }
    Settings settings = left.plan.settings();
    Reference5a reference = new Reference5a(settings, leftOut);
    memory.replaceAll((key, before) -> reference.untouched(before, clock.millis()));
    foldedMode = settings.mode();
    foldedRemoval = settings.removal();
    long accepted = 0;
    long unsure = 0;
    for (int i = 0; i < left.outcomes.length; i++) {
      Entry entry = left.plan.entries().get(i);
      List<Call> calls = calls(left, i);
      accepted += calls.contains(Call.ACCEPTED) ? 1 : 0;
      unsure += left.outcomes[i] == null && !calls.isEmpty() ? 1 : 0;
      Remembered before = memory.getOrDefault(entry.key(), Remembered.NOTHING);
      String id = entry.planned().change().changeId();
      remember(
          entry.key(),
          reference.settle(before, entry.step(), id, calls, until(left, i), clock.millis()));
    }
    journal = null;
    stateVersion++;
    return new Recovery(left.run, accepted, unsure);
  }

  @Override
  public ModelValidation validate(Model model) {
    throw new UnsupportedOperationException("the fake has no models to prove");
  }

  @Override
  public ModelPreview preview(Model model) {
    throw new UnsupportedOperationException("the fake has no preview");
  }

  @Override
  public void check(CheckSteps steps, @Nullable Sync sync) {
    steps.step("memory", findings -> findings.found("there"));
  }

  @Override
  public void close() {}

  private boolean isStale(Kept waiting, Sync sync) {
    Map<String, String> today = definition(sync);
    long age = clock.millis() - waiting.madeAt();
    return waiting.stateVersion() != stateVersion
        || waiting.mode() != sync.mode()
        || waiting.removal() != sync.removal()
        || !waiting.destination().equals(sync.destination().identity())
        || Definitions.OF_DELIVERY.stream()
            .anyMatch(
                part -> !Objects.equals(waiting.plan().definition().get(part), today.get(part)))
        || age >= sync.planExpiry().toMillis()
        || (clearing && waiting.plan().stored().request() != PlanRequest.Kind.FILL);
  }

  /** The text of the model stands for its columns. */
  private static Map<String, String> definition(Sync sync) {
    return Definitions.definition(sync, sync.model().sql(), "");
  }

  private AssertionError breach(String what) {
    breaches.add(what);
    return new AssertionError(what);
  }

  private void require(boolean condition, String breach) {
    if (!condition) {
      throw breach(breach);
    }
  }

  private void ended(RunEnd end, long run, @Nullable Instant snapshotAt) {
    lastEnded = new SyncStatus.LastRun(run, end.status(), end.endedAt());
    if (end.status() == RunStatus.SUCCEEDED || end.status() == RunStatus.WARNING) {
      lastSuccessAt = end.endedAt();
      failuresInARow = 0;
    } else {
      failuresInARow++;
    }
    if (end.nothingUnsent()) {
      upToDateAsOf = snapshotAt;
    }
  }

  /** What a journal says about a planned change. */
  private static List<Call> calls(Journal journal, int position) {
    Outcome outcome = journal.outcomes[position];
    if (outcome == null) {
      return journal.reservedUntil[position] == NOT_RESERVED ? List.of() : List.of(Call.UNKNOWN);
    }
    List<Call> calls = new ArrayList<>();
    if (outcome.unsure()) {
      calls.add(Call.UNKNOWN);
    }
    calls.add(
        switch (outcome.kind()) {
          case ACCEPTED -> Call.ACCEPTED;
          case REJECTED -> Call.REJECTED;
          case REJECTED_TOGETHER -> Call.REJECTED_WITH_OTHERS;
          case SKIPPED -> Call.SKIPPED;
          case UNKNOWN -> Call.UNKNOWN;
          case UNKNOWN_ALONE -> Call.UNKNOWN_ALONE;
          case NOT_TRIED -> Call.NOT_APPLIED;
        });
    return calls;
  }

  private static long until(Journal journal, int position) {
    Outcome outcome = journal.outcomes[position];
    return outcome == null ? journal.reservedUntil[position] : outcome.until();
  }

  private final class FakeClaim implements Claim {
    private final Sync sync;
    private final long run;
    private final Map<String, Plan> plans = new HashMap<>();
    private boolean recovered;
    private boolean folded;
    private boolean ended;
    private boolean resynced;
    private boolean clearBegun;

    FakeClaim(Sync sync, long run) {
      this.sync = sync;
      this.run = run;
    }

    @Override
    public long run() {
      return run;
    }

    @Override
    public @Nullable Recovery recover() {
      synchronized (FakeStore.this) {
        live();
        require(!recovered, "recovered twice");
        recovered = true;
        return settleLeft();
      }
    }

    @Override
    public StoredPlan plan(PlanRequest request, LongConsumer progress) {
      List<SourceRow> rows;
      synchronized (FakeStore.this) {
        live();
        require(recovered, "planned before recovery");
        require(journal == null, "planned while a plan is open");
        boolean delivers =
            request.kind() == PlanRequest.Kind.RUN || request.kind() == PlanRequest.Kind.RESYNC;
        require(!clearing || !delivers, "planned while the destination is to be cleared");
        if (request.kind() == PlanRequest.Kind.RESYNC && !resynced) {
          resynced = true;
          epoch += leftOut.contains(Rule.RESYNC_STAYS_DUE) ? 0 : 1;
          stateVersion++;
        }
        rows = source;
      }
      progress.accept(rows.size());
      synchronized (FakeStore.this) {
        Plan plan = computed(request, rows);
        plans.put(plan.id(), plan);
        return plan.stored();
      }
    }

    private Plan computed(PlanRequest request, List<SourceRow> allRows) {
      List<SourceRow> rows =
          allRows.stream().filter(row -> isAskedFor(request, row.key())).toList();
      Settings settings = settings();
      Reference5a reference = new Reference5a(settings, leftOut);
      Map<String, List<SourceRow>> byKey = new TreeMap<>();
      long nullKeys = 0;
      for (SourceRow row : rows) {
        if (row.key() == null) {
          nullKeys++;
        } else {
          byKey.computeIfAbsent(row.key(), key -> new ArrayList<>()).add(row);
        }
      }
      TreeSet<String> keys = new TreeSet<>(byKey.keySet());
      keys.addAll(memory.keySet());
      Map<String, Step> steps = new TreeMap<>();
      List<Entry> unordered = new ArrayList<>();
      List<InvalidRow> invalid = new ArrayList<>();
      if (nullKeys > 0) {
        invalid.add(new InvalidRow(InvalidRow.Reason.NULL_KEY, row(null, null), nullKeys));
      }
      long live = memory.values().stream().filter(FakeStore::isLive).count();
      long firstRemovals = 0;
      long held = 0;
      long ignored = 0;
      long effects = 0;
      keys.removeIf(key -> !isAskedFor(request, key));
      for (String key : keys) {
        List<SourceRow> of = byKey.getOrDefault(key, List.of());
        if (of.size() > 1) {
          InvalidRow.Reason reason = InvalidRow.Reason.DUPLICATE_KEY;
          invalid.add(new InvalidRow(reason, row(key, null), of.size()));
        }
        String content = of.isEmpty() ? null : of.get(0).content();
        String w =
            of.size() > 1 ? Reference5a.AMBIGUOUS : content == null ? null : version(content);
        Remembered before = memory.getOrDefault(key, Remembered.NOTHING);
        Step step =
            switch (request.kind()) {
              case RUN -> reference.plan(w, before);
              case RESYNC -> reference.resync(w, before);
              case RESET -> reference.reset(w, before);
              case FILL -> reference.fill(w, before);
            };
        steps.put(key, step);
        boolean fills = request.kind() == PlanRequest.Kind.FILL;
        firstRemovals += fills && isLive(before) && step.operation() == null ? 1 : 0;
        held += step.held() ? 1 : 0;
        ignored += step.ignored() ? 1 : 0;
        Operation operation = step.operation();
        if (operation == null) {
          boolean runs = request.kind() == PlanRequest.Kind.RUN;
          Remembered after =
              runs
                  ? reference.fold(before, step, null, List.of(), 0, clock.millis())
                  : reference.untouched(before, clock.millis());
          effects += after.equals(before) ? 0 : 1;
        } else {
          Held h = before.held();
          boolean known = h != null && (h.version() == null || h.unsure());
          firstRemovals += operation == Operation.REMOVED && !known ? 1 : 0;
          unordered.add(new Entry(key, step, planned(key, content, step, operation, before)));
        }
      }
      List<Entry> entries = ordered(unordered);
      Map<Operation, Long> planned = new EnumMap<>(Operation.class);
      for (Operation operation : Operation.values()) {
        planned.put(
            operation, entries.stream().filter(e -> e.step().operation() == operation).count());
      }
      ChangeSet set =
          new ChangeSet(
              "plan-" + run + "-" + plans.size(),
              sync.name(),
              run,
              clock.instant(),
              rows.size(),
              live,
              planned,
              held,
              ignored,
              invalid.stream().mapToLong(InvalidRow::rows).sum(),
              invalid,
              List.of(),
              List.of(),
              Map.of(),
              ChangeSet.Way.READ);
      Map<String, String> definition = definition(sync);
      StoredPlan stored =
          new StoredPlan(
              set,
              firstRemovals,
              List.of(),
              effects,
              request.kind(),
              request.keys() == null ? Extent.WHOLE : Extent.PART,
              definitions.change(definition));
      return new Plan(stored, settings, steps, entries, definition, clock.instant());
    }

    private boolean isAskedFor(PlanRequest request, @Nullable String key) {
      List<List<String>> keys = request.keys();
      return keys == null || (key != null && keys.contains(List.of(key)));
    }

    private Settings settings() {
      boolean changed =
          foldedMode != null && (foldedMode != sync.mode() || foldedRemoval != sync.removal());
      return new Settings(
          sync.mode(),
          sync.removal(),
          changed,
          sync.quarantineAttempts(),
          sync.quarantineAge().toMillis(),
          sync.forgetAfter() == null ? 0 : sync.forgetAfter().toMillis());
    }

    /** What a row looks like to this sync; the text of the model stands for the mapping. */
    private String version(String content) {
      return sync.model().sql() + (epoch == 0 ? "" : "+" + epoch) + ":" + content;
    }

    private PlannedChange planned(
        String key, @Nullable String content, Step step, Operation operation, Remembered before) {
      String id = step.id();
      Row keyRow = row(key, null);
      Row row = content == null ? keyRow : row(key, content);
      int bytes = key.length() + (content == null ? 0 : content.length()) + 2;
      Change change =
          new Change(
              operation, keyRow, row, id == null ? newId(key, step) : id, run, step.attempts() + 1);
      long until = before.until() > clock.millis() ? before.until() : 0;
      boolean oversize = bytes > sync.maxRowBytes();
      return new PlannedChange(
          0, change, bytes, oversize ? Hold.Reason.rowTooLarge(sync.maxRowBytes()) : null, until);
    }

    private String newId(String key, Step step) {
      String text = String.join("|", key, "" + step.operation(), "" + step.source(), "" + run);
      try {
        byte[] hash =
            MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(hash);
      } catch (NoSuchAlgorithmException e) {
        throw new AssertionError(e);
      }
    }

    /** Removals first; keys for which an earlier call may still act last of all. */
    private static List<Entry> ordered(List<Entry> unordered) {
      List<Entry> sorted = new ArrayList<>(unordered);
      sorted.sort(
          Comparator.<Entry>comparingLong(e -> e.planned().until())
              .thenComparing(e -> e.step().operation() == Operation.REMOVED ? 0 : 1)
              .thenComparing(Entry::key));
      List<Entry> entries = new ArrayList<>();
      for (Entry entry : sorted) {
        PlannedChange at = entry.planned();
        PlannedChange planned =
            new PlannedChange(
                entries.size(), at.change(), at.bytes(), at.undeliverable(), at.until());
        entries.add(new Entry(entry.key(), entry.step(), planned));
      }
      return entries;
    }

    @Override
    public void cancelPlan() {} // it takes no time

    @Override
    public StoredPlan stored(String planId) {
      synchronized (FakeStore.this) {
        live();
        require(recovered, "asked for a stored plan before recovery");
        Kept waiting = kept;
        if (waiting == null || !waiting.plan().id().equals(planId)) {
          throw new StateException("Cannot apply " + planId + ": there is no such plan.");
        }
        if (isStale(waiting, sync)) {
          throw new StateException("Cannot apply " + planId + ": the plan is stale.");
        }
        plans.put(planId, waiting.plan());
        return waiting.plan().stored();
      }
    }

    @Override
    public void keep(StoredPlan plan) {
      synchronized (FakeStore.this) {
        live();
        require(journal == null, "a plan is kept while one is open");
        Plan own = own(plan);
        Plan as =
            new Plan(
                plan,
                own.settings(),
                own.steps(),
                own.entries(),
                own.definition(),
                own.snapshotAt());
        String identity = sync.destination().identity();
        kept = new Kept(as, stateVersion, sync.mode(), sync.removal(), identity, clock.millis());
      }
    }

    @Override
    public @Nullable StoredPlan kept() {
      synchronized (FakeStore.this) {
        live();
        Kept waiting = kept;
        return waiting == null || isStale(waiting, sync) ? null : waiting.plan().stored();
      }
    }

    @Override
    public void drop(StoredPlan plan) {
      synchronized (FakeStore.this) {
        live();
        own(plan);
        require(journal == null, "a plan is dropped while one is open");
        plans.remove(plan.changeSet().id());
        if (kept != null && kept.plan().id().equals(plan.changeSet().id())) {
          kept = null;
        }
      }
    }

    @Override
    public boolean discard() {
      synchronized (FakeStore.this) {
        live();
        boolean was = kept != null;
        kept = null;
        return was;
      }
    }

    @Override
    public void takeAsDelivered(StoredPlan plan) {
      synchronized (FakeStore.this) {
        live();
        Plan own = own(plan);
        require(plan.request() == PlanRequest.Kind.RESET, "taken as delivered and not planned so");
        require(journal == null && !folded && !ended, "taken as delivered in a run");
        Reference5a reference = new Reference5a(own.settings(), leftOut);
        own.steps()
            .forEach(
                (key, step) ->
                    remember(
                        key,
                        reference.taken(
                            step.source(),
                            memory.getOrDefault(key, Remembered.NOTHING),
                            clock.millis())));
        settled(Extent.WHOLE, own);
        clearing = false;
        clearUntil = 0;
        initialising = false;
        if (own.stored().changeSet().invalid() == 0) {
          upToDateAsOf = own.snapshotAt();
        }
      }
    }

    /** Notes what was folded. */
    private void settled(Extent extent, Plan plan) {
      kept = null;
      stateVersion++;
      foldedMode = sync.mode();
      foldedRemoval = sync.removal();
      if (extent == Extent.WHOLE) {
        definitions = definitions.used(plan.definition(), clock.instant());
      }
    }

    @Override
    public long release(@Nullable List<String> key) {
      synchronized (FakeStore.this) {
        live();
        require(recovered, "released before recovery");
        Reference5a reference = new Reference5a(settings(), leftOut);
        long released = 0;
        for (Map.Entry<String, Remembered> each : memory.entrySet()) {
          if (key == null || key.equals(List.of(each.getKey()))) {
            Remembered after = reference.release(each.getValue());
            released += after.equals(each.getValue()) ? 0 : 1;
            each.setValue(after);
          }
        }
        stateVersion += released > 0 ? 1 : 0;
        return released;
      }
    }

    @Override
    public long mayActUntil() {
      synchronized (FakeStore.this) {
        return FakeStore.this.mayActUntil();
      }
    }

    @Override
    public boolean isClearing() {
      synchronized (FakeStore.this) {
        return clearing;
      }
    }

    @Override
    public void beginClear(long until) {
      synchronized (FakeStore.this) {
        live();
        require(recovered, "cleared before recovery");
        require(journal == null, "cleared while a plan is open");
        // A clear of this claim that comes again was answered: nothing was applied.
        boolean waited = clearBegun || FakeStore.this.mayActUntil() <= clock.millis();
        require(waited, "cleared while a call may act");
        require(until > clock.millis(), "cleared by a call that may not act");
        clearBegun = true;
        clearing = true;
        clearUntil = until;
      }
    }

    @Override
    public void endClear() {
      synchronized (FakeStore.this) {
        live();
        require(clearing, "a clear ends that has not begun");
        Reference5a reference = new Reference5a(settings(), leftOut);
        memory.replaceAll((key, before) -> reference.cleared(before));
        memory.values().removeIf(Remembered.NOTHING::equals);
        clearing = false;
        clearUntil = 0;
        kept = null;
        upToDateAsOf = null;
        stateVersion++;
      }
    }

    @Override
    public PlanReader open(StoredPlan plan) {
      synchronized (FakeStore.this) {
        live();
        Plan own = own(plan);
        require(journal == null, "a second plan is opened");
        require(!folded && !ended, "a plan is opened after the end of the run");
        journal = new Journal(run, own);
        return new Reader(own.entries());
      }
    }

    @Override
    public void reserve(long from, long to, long until) {
      synchronized (FakeStore.this) {
        live();
        Journal open = open();
        require(
            from >= 0 && from < to && to <= open.outcomes.length,
            "reserved out of range: " + from + " to " + to);
        require(until > 0, "reserved without the moment until which the call may act");
        for (int i = (int) from; i < to; i++) {
          open.reservedUntil[i] = Math.max(open.reservedUntil[i], until);
        }
      }
    }

    @Override
    public void acknowledge(long from, List<Outcome> outcomes) {
      synchronized (FakeStore.this) {
        live();
        Journal open = open();
        require(
            from >= 0 && !outcomes.isEmpty() && from + outcomes.size() <= open.outcomes.length,
            "acknowledged out of range: " + outcomes.size() + " from " + from);
        for (int i = 0; i < outcomes.size(); i++) {
          acknowledge(open, (int) from + i, outcomes.get(i));
        }
      }
    }

    private void acknowledge(Journal open, int position, Outcome outcome) {
      require(open.outcomes[position] == null, "position " + position + " is acknowledged twice");
      boolean unsent =
          outcome.equals(Outcome.NOT_TRIED)
              || (outcome.kind() == Outcome.Kind.REJECTED
                  && outcome.reason() != null
                  && UNSENT.contains(outcome.reason().code()));
      long reserved = open.reservedUntil[position];
      require(
          unsent || reserved != NOT_RESERVED,
          "position " + position + " is acknowledged and was not reserved");
      require(
          outcome.until() <= reserved,
          "position " + position + " may act for longer than was reserved");
      boolean unknown =
          outcome.kind() == Outcome.Kind.UNKNOWN || outcome.kind() == Outcome.Kind.UNKNOWN_ALONE;
      require(outcome.unsure() || !unknown, "an unknown outcome that is not unsure");
      require(
          !outcome.unsure() || outcome.until() > 0,
          "an unsure outcome without the moment until which the call may act");
      require(
          !outcome.unsure() || outcome.kind() != Outcome.Kind.ACCEPTED,
          "an accepted outcome that is unsure");
      open.outcomes[position] = outcome;
    }

    @Override
    public void flush() {
      synchronized (FakeStore.this) {
        live();
        Journal open = open();
        for (int i = 0; i < open.outcomes.length; i++) {
          open.durable[i] = open.outcomes[i] != null;
        }
      }
    }

    @Override
    public Folded fold(StoredPlan plan, RunEnd end) {
      synchronized (FakeStore.this) {
        live();
        require(!folded, "folded twice");
        require(!ended, "folded after the end of the run");
        require(
            end.status() != RunStatus.HELD && end.status() != RunStatus.INTERRUPTED,
            "folded as " + end.status());
        Plan own = own(plan);
        Journal open = journal;
        require(
            open != null ? open.plan == own : own.entries().isEmpty(),
            "folded a plan that was not opened");
        Journal done = open == null ? new Journal(run, own) : open;
        Reference5a reference = new Reference5a(own.settings(), leftOut);
        Map<String, Integer> positions = new HashMap<>();
        own.entries().forEach(e -> positions.put(e.key(), (int) e.planned().position()));
        boolean allGood = true;
        long quarantined = 0;
        for (String key : List.copyOf(memory.keySet())) {
          if (!own.steps().containsKey(key)) {
            remember(key, reference.untouched(memory.get(key), clock.millis()));
          }
        }
        for (Map.Entry<String, Step> each : own.steps().entrySet()) {
          Integer position = positions.get(each.getKey());
          List<Call> calls = position == null ? List.of() : calls(done, position);
          Remembered before = memory.getOrDefault(each.getKey(), Remembered.NOTHING);
          String id =
              position == null ? null : own.entries().get(position).planned().change().changeId();
          long until = position == null ? 0 : until(done, position);
          boolean left =
              own.stored().request() != PlanRequest.Kind.RUN && each.getValue().operation() == null;
          Remembered after =
              left
                  ? reference.untouched(before, clock.millis())
                  : reference.fold(before, each.getValue(), id, calls, until, clock.millis());
          quarantined += isQuarantined(after) && !isQuarantined(before) ? 1 : 0;
          Call last = calls.isEmpty() ? Call.NOT_APPLIED : calls.get(calls.size() - 1);
          allGood &= position == null || last == Call.ACCEPTED || last == Call.SKIPPED;
          remember(each.getKey(), after);
        }
        require(
            !end.nothingUnsent() || (allGood && own.stored().changeSet().invalid() == 0),
            "the destination is said to reflect a snapshot of which something is unsent");
        folded = true;
        journal = null;
        settled(end.extent(), own);
        boolean warn = end.status() == RunStatus.SUCCEEDED && quarantined > 0;
        ended(warn ? end.as(RunStatus.WARNING) : end, run, own.snapshotAt());
        return new Folded(quarantined);
      }
    }

    @Override
    public void end(RunEnd end) {
      synchronized (FakeStore.this) {
        live();
        require(!folded, "ended after the fold");
        require(!ended, "ended twice");
        require(!end.nothingUnsent(), "nothing was folded, and nothing is said to be unsent");
        ended = true;
        FakeStore.this.ended(end, run, null);
      }
    }

    @Override
    public void close() {
      synchronized (FakeStore.this) {
        if (holder == this) {
          die(true);
        }
      }
    }

    private void live() {
      if (holder != this) {
        throw new StateException("Cannot write: another runner holds the sync, or nobody does.");
      }
    }

    private Plan own(StoredPlan plan) {
      Plan own = plans.get(plan.changeSet().id());
      if (own == null) {
        throw breach("a plan that this run has not: " + plan.changeSet().id());
      }
      return own;
    }

    private Journal open() {
      Journal open = journal;
      if (folded) {
        throw new StateException("Cannot write: the run has been folded.");
      }
      if (open == null) {
        throw breach("no plan is open");
      }
      return open;
    }
  }

  private static boolean isLive(Remembered m) {
    return m.accepted() != null && m.goneSince() == 0;
  }

  private static boolean isQuarantined(Remembered m) {
    return m.held() != null && m.held().kind() == HoldKind.QUARANTINED;
  }

  private void remember(String key, Remembered now) {
    if (now.equals(Remembered.NOTHING)) {
      memory.remove(key);
    } else {
      memory.put(key, now);
    }
  }

  private final class Reader implements PlanReader {
    private final List<Entry> entries;
    private int next;
    private boolean closed;

    Reader(List<Entry> entries) {
      this.entries = entries;
    }

    @Override
    public List<PlannedChange> next(int maxRows, long maxBytes) {
      synchronized (FakeStore.this) {
        require(!closed, "read from a closed plan");
        require(maxRows >= 1 && maxBytes >= 1, "read nothing");
        List<PlannedChange> range = new ArrayList<>();
        long bytes = 0;
        while (next < entries.size() && range.size() < maxRows) {
          PlannedChange planned = entries.get(next).planned();
          bytes += planned.bytes();
          if (bytes > maxBytes && !range.isEmpty()) {
            break;
          }
          range.add(planned);
          next++;
        }
        return range;
      }
    }

    @Override
    public void close() {
      synchronized (FakeStore.this) {
        closed = true;
      }
    }
  }

  private static Row row(@Nullable String key, @Nullable String content) {
    Map<String, @Nullable String> values = new LinkedHashMap<>();
    values.put("k", key);
    if (content != null) {
      values.put("v", content);
    }
    return new TextRow(values);
  }

  /** A row of text columns. */
  private record TextRow(Map<String, @Nullable String> values) implements Row {
    @Override
    public List<String> columns() {
      return List.copyOf(values.keySet());
    }

    @Override
    public @Nullable Object value(String column) {
      return text(column);
    }

    @Override
    public @Nullable String text(String column) {
      if (!values.containsKey(column)) {
        throw new IllegalArgumentException("there is no column " + column);
      }
      return values.get(column);
    }

    @Override
    public String toString() {
      return "Row" + columns();
    }
  }
}
