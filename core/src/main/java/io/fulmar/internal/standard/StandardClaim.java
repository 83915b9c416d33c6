package io.fulmar.internal.standard;

import io.fulmar.HoldKind;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.StateException;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.internal.plan.PlanTerms;
import io.fulmar.internal.plan.Refusal;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.row.DamagedException;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.store.Claim;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.Folded;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlanReader;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.store.Recovery;
import io.fulmar.internal.store.Rules;
import io.fulmar.internal.store.RunEnd;
import io.fulmar.internal.store.StoredPlan;
import io.fulmar.internal.store.SyncStore;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The right to run one sync, held by a file lock that the system frees when the process ends. A
 * fold happens at the moment at which the sync file is replaced; everything before can be done
 * again, everything after is tidying up.
 */
final class StandardClaim implements Claim {
  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  /** The longest deadline that a call can have; its reservation may last twice as long. */
  private static final Duration LONGEST_CALL = Duration.ofHours(1);

  private final StandardStore store;
  private final Sync sync;
  private final StateDirectory directory;
  private final Closeable lock;
  private final SyncFile file;
  private final long run;
  private final Planning planning;
  private final Map<Long, PlanHead> heads = new HashMap<>();
  private volatile @Nullable Ledger ledger;
  private volatile boolean closed;
  private long delivering;

  private StandardClaim(
      StandardStore store, Sync sync, StateDirectory directory, Closeable lock, SyncFile file) {
    this.store = store;
    this.sync = sync;
    this.directory = directory;
    this.lock = lock;
    this.file = file;
    this.run = Math.max(newestRun() + 1, store.clock().millis());
    this.planning = new Planning(store, sync, directory, file, run);
  }

  /** Opens or begins the state of a sync that is locked. */
  static StandardClaim of(
      StandardStore store,
      Sync sync,
      StateDirectory directory,
      Closeable lock,
      SyncStore.Purpose purpose)
      throws IOException {
    SyncFile file = SyncFile.read(directory.syncFile());
    if (file != null && file.forgotten) {
      remove(directory);
      file = null;
    }
    if (file != null) {
      StandardStore.checkStays(sync, directory, file);
    }
    boolean initialise =
        purpose == SyncStore.Purpose.INITIALISE_EMPTY
            || purpose == SyncStore.Purpose.INITIALISE_AS_DELIVERED;
    if (file != null && initialise && !file.initialising) {
      throw new StateException(
          "Cannot initialise %s: it has a state in %s. Run it, or forget it first. [sync=%s]"
              .formatted(sync.name(), directory.path(), sync.name()));
    }
    if (file == null) {
      if (!directory.files("state-").isEmpty() || !directory.files("plan-").isEmpty()) {
        throw new DamagedException(
            "the file " + directory.syncFile() + " is missing, though other files are there");
      }
      file = begin(sync);
      file.initialising = purpose == SyncStore.Purpose.INITIALISE_AS_DELIVERED;
      file.write(directory);
      directory.passed(CrashPoint.STATE_BEGUN);
    } else if (file.initialising && purpose == SyncStore.Purpose.INITIALISE_EMPTY) {
      file.initialising = false;
      file.write(directory);
      directory.passed(CrashPoint.BEGINNING_CHANGED);
    }
    StandardClaim claim = new StandardClaim(store, sync, directory, lock, file);
    claim.check(purpose);
    claim.tidy();
    return claim;
  }

  /** Opens the state of a sync that is locked, whatever the sync says today; null for none. */
  static @Nullable StandardClaim existing(
      StandardStore store, Sync sync, StateDirectory directory, Closeable lock) throws IOException {
    SyncFile file = SyncFile.read(directory.syncFile());
    if (file == null || file.forgotten) {
      return null;
    }
    StandardClaim claim = new StandardClaim(store, sync, directory, lock, file);
    claim.checkName();
    claim.tidy();
    return claim;
  }

  /** What is known of the sync besides its keys. */
  SyncFile file() {
    return file;
  }

  /** Removes everything but the locks; the file that says what the rest is goes last. */
  static void remove(StateDirectory directory) throws IOException {
    for (String prefix : List.of("scratch-", "ledger-", "plan-", "state-", "sync.next")) {
      for (Path path : directory.files(prefix)) {
        Files.deleteIfExists(path);
        directory.passed(CrashPoint.LEFTOVER_REMOVED);
      }
    }
    directory.force();
    directory.passed(CrashPoint.FORGOTTEN_BUT_NAMED);
    Files.deleteIfExists(directory.syncFile());
    directory.force();
    directory.passed(CrashPoint.FORGOTTEN);
  }

  /** Removes everything, at one moment. */
  void forget() throws IOException {
    file.forgotten = true;
    file.write(directory);
    directory.passed(CrashPoint.FORGETTING);
    remove(directory);
  }

  /** What is remembered is that of another destination from now on. */
  void rebind(String identity) throws IOException {
    StandardStore.checkStays(sync, directory, file);
    file.destination = identity;
    file.version++;
    file.write(directory);
    directory.passed(CrashPoint.REBOUND);
  }

  private static SyncFile begin(Sync sync) {
    SecureRandom random = new SecureRandom();
    byte[] bytes = new byte[16];
    SyncFile file = new SyncFile();
    file.sync = sync.name();
    file.destination = sync.destination().identity();
    random.nextBytes(bytes);
    file.incarnation = HexFormat.of().formatHex(bytes);
    random.nextBytes(bytes);
    file.secret = HexFormat.of().formatHex(bytes);
    return file;
  }

  private void checkName() throws IOException {
    if (!file.sync.equals(sync.name())) {
      throw new DamagedException("it belongs to the sync " + file.sync);
    }
    if (file.generation > 0 && !Files.exists(directory.state(file.generation))) {
      throw new DamagedException("the file " + directory.state(file.generation) + " is missing");
    }
  }

  private void check(SyncStore.Purpose purpose) throws IOException {
    checkName();
    if (!file.destination.equals(sync.destination().identity())) {
      throw Refusal.destination(sync, file.destination);
    }
    boolean runs = purpose == SyncStore.Purpose.RUN || purpose == SyncStore.Purpose.EXISTING;
    if (file.initialising && runs) {
      throw Refusal.beginning(sync);
    }
    if (sync.revision() < file.revision) {
      throw Refusal.revision(sync, file.revision);
    }
    if (sync.revision() > file.revision) {
      file.revision = sync.revision();
      file.write(directory);
      directory.passed(CrashPoint.REVISION_NOTED);
    }
  }

  private long newestRun() {
    long newest = file.run;
    try {
      for (Path path : directory.files("plan-")) {
        newest = Math.max(newest, number(path));
      }
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
    return newest;
  }

  private static long number(Path path) {
    String name = path.getFileName().toString();
    String digits = name.substring(name.indexOf('-') + 1).split("\\.", 2)[0];
    return digits.chars().allMatch(Character::isDigit) && !digits.isEmpty()
        ? Long.parseLong(digits)
        : 0;
  }

  /** Removes what dead runs left behind and nothing needs. */
  private void tidy() throws IOException {
    for (Path path : directory.files("scratch-")) {
      Files.delete(path);
      directory.passed(CrashPoint.LEFTOVER_REMOVED);
    }
    for (Path path : directory.files("state-")) {
      if (!path.equals(directory.state(file.generation))) {
        Files.delete(path);
        directory.passed(CrashPoint.LEFTOVER_REMOVED);
      }
    }
    for (Path path : directory.files("ledger-")) {
      if (number(path) <= file.foldedRun) {
        Files.deleteIfExists(path);
        directory.passed(CrashPoint.LEFTOVER_REMOVED);
      } else if (!Files.exists(directory.plan(number(path)))) {
        // A plan counts before its ledger is made, and outlives it.
        throw new DamagedException("the file " + directory.plan(number(path)) + " is missing");
      }
    }
    for (Path path : directory.files("plan-")) {
      long number = number(path);
      boolean needed =
          Files.exists(directory.plan(number))
              && number > file.foldedRun
              && (number == file.keptPlan || Files.exists(directory.ledger(number)));
      if (!needed) {
        Files.deleteIfExists(path);
        directory.passed(CrashPoint.LEFTOVER_REMOVED);
      }
    }
  }

  /** Tidies up if that is possible; what stays, the next claim removes. */
  private void tidyLater() {
    try {
      tidy();
    } catch (IOException e) {
      LOG.debug("sync={} run={} cannot tidy up: {}", sync.name(), run, e.getMessage());
    }
  }

  @Override
  public long run() {
    return run;
  }

  // --------------------------------------------------------------------------------------- recover

  @Override
  public @Nullable Recovery recover() {
    try {
      Recovery recovery = null;
      for (Path path : directory.files("ledger-")) {
        long number = number(path);
        if (path.equals(directory.ledger(number))) {
          recovery = recover(number);
        }
      }
      return recovery;
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  private @Nullable Recovery recover(long number) throws IOException {
    PlanHead head = PlanHead.read(directory.plan(number));
    if (head == null) {
      return null;
    }
    Fold fold;
    long latest = now() + 2 * LONGEST_CALL.toMillis();
    try (Ledger left = Ledger.open(directory.ledger(number), latest)) {
      fold = write(head, left == null ? null : left::outcomes, rules(sync, file, head), false);
    }
    directory.passed(CrashPoint.RECOVERY_WRITTEN);
    file.mode = head.mode;
    file.removal = head.removal;
    file.version++;
    file.foldedRun = number;
    file.keptPlan = 0;
    file.run = Math.max(file.run, number);
    file.key = file.key.isEmpty() ? head.key : file.key;
    file.keyShape = file.keyShape == null ? head.keyShape : file.keyShape;
    Instant now = store.clock().instant();
    if (file.unfolded != number) {
      ended(new RunEnd(RunStatus.INTERRUPTED, now, false, Extent.PART, null));
    }
    file.unfolded = 0;
    file.write(directory);
    directory.passed(CrashPoint.RECOVERED);
    tidyLater();
    return new Recovery(number, fold.accepted(), fold.unanswered());
  }

  /** The rules that a plan was made by. */
  static Rules rules(Sync sync, SyncFile file, PlanHead head) {
    return rules(sync, file, head.mode, head.removal);
  }

  /** The rules that the next run goes by. */
  static Rules rules(Sync sync, SyncFile file) {
    return rules(sync, file, sync.mode(), sync.removal());
  }

  private static Rules rules(Sync sync, SyncFile file, SyncMode mode, Removal removal) {
    return PlanTerms.rules(sync, mode, removal, file.mode, file.removal);
  }

  // ------------------------------------------------------------------------------------------ plan

  @Override
  public StoredPlan plan(PlanRequest request, LongConsumer progress) {
    PlanHead head = planning.plan(request, progress);
    heads.put(head.run, head);
    return head.plan();
  }

  @Override
  public void cancelPlan() {
    planning.cancel();
  }

  private String application() {
    return PlanTerms.application(sync, run);
  }

  private long now() {
    return store.clock().millis();
  }

  private @Nullable StateFile openState() throws IOException {
    return openState(sync, directory, file);
  }

  static @Nullable StateFile openState(Sync sync, StateDirectory directory, SyncFile file)
      throws IOException {
    try {
      return file.generation == 0 ? null : StateFile.open(directory.state(file.generation));
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  // -------------------------------------------------------------------------------------- approval

  @Override
  public StoredPlan stored(String planId) {
    PlanHead head = keptHead();
    if (head == null || !head.id().equals(planId)) {
      throw new StateException(
          "Cannot apply plan %s of %s: there is no such plan. %s [sync=%s run=%s]"
              .formatted(
                  planId,
                  sync.name(),
                  head == null ? "None is stored." : "The stored one is " + head.id() + ".",
                  sync.name(),
                  run));
    }
    String stale = stale(head);
    if (stale != null) {
      throw new StateException(
          "Cannot apply plan %s of %s: %s. Run or plan anew. [sync=%s run=%s]"
              .formatted(planId, sync.name(), stale, sync.name(), run));
    }
    checkState(); // which planning would do, and which the fold would do too late
    return head.plan();
  }

  private void checkState() {
    try (StateFile state = openState()) {
      if (state != null) {
        state.check();
      }
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  @Override
  public @Nullable StoredPlan kept() {
    PlanHead head = keptHead();
    return head == null || stale(head) != null ? null : head.plan();
  }

  private @Nullable PlanHead keptHead() {
    if (file.keptPlan == 0) {
      return null;
    }
    try {
      PlanHead head = PlanHead.read(directory.plan(file.keptPlan));
      if (head != null) {
        heads.put(head.run, head);
      }
      return head;
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  private @Nullable String stale(PlanHead head) {
    return stale(head, file, sync, now());
  }

  /** Why a stored plan cannot be delivered any more; null if it can. */
  static @Nullable String stale(PlanHead head, SyncFile file, Sync sync, long now) {
    return head.terms().stale(sync, file.version, file.clearing, now);
  }

  @Override
  public boolean discard() {
    if (file.keptPlan == 0) {
      return false;
    }
    try {
      file.keptPlan = 0;
      file.write(directory);
      directory.passed(CrashPoint.PLAN_DISCARDED);
      tidyLater();
      return true;
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  @Override
  public void keep(StoredPlan plan) {
    try {
      PlanHead head = head(plan);
      head.guards = plan.changeSet().guards();
      PlanFiles.force(directory.plan(head.run));
      head.write(directory, directory.plan(head.run));
      long before = file.keptPlan;
      file.keptPlan = head.run;
      file.run = run;
      file.write(directory);
      directory.passed(CrashPoint.PLAN_KEPT);
      if (before != 0 && before != head.run) {
        PlanFiles.delete(directory.plan(before));
      }
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  @Override
  public void drop(StoredPlan plan) {
    try {
      PlanFiles.delete(directory.plan(head(plan).run));
      directory.passed(CrashPoint.PLAN_DROPPED);
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  private PlanHead head(StoredPlan plan) {
    PlanHead head = heads.get(Long.parseLong(plan.changeSet().id()));
    if (head == null) {
      throw new IllegalArgumentException("this plan is not of this claim");
    }
    return head;
  }

  // --------------------------------------------------------------------------------------- deliver

  @Override
  public PlanReader open(StoredPlan plan) {
    PlanHead head = head(plan);
    try {
      delivering = head.run;
      ledger = Ledger.create(directory.ledger(head.run), head.total(), directory);
      return new PlanFileReader(sync, directory, run, head);
    } catch (IOException e) {
      throw new StateException(
          "Cannot begin to deliver %s: %s. Make room or mend the disk; nothing was sent. [sync=%s run=%s]"
              .formatted(sync.name(), StandardStore.reason(e), sync.name(), run),
          e);
    }
  }

  @Override
  public void reserve(long from, long to, long until) {
    try {
      openLedger().reserve(from, to, until);
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  @Override
  public void acknowledge(long from, List<Outcome> outcomes) {
    try {
      openLedger().acknowledge(from, outcomes);
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  @Override
  public void flush() {
    try {
      openLedger().force();
      directory.passed(CrashPoint.FLUSHED);
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  private Ledger openLedger() {
    Ledger open = ledger;
    if (open == null || closed) {
      throw new StateException(
          "Cannot note an outcome of %s: the run is over. [sync=%s run=%s]"
              .formatted(sync.name(), sync.name(), run));
    }
    return open;
  }

  // ------------------------------------------------------------------------------------------ fold

  @Override
  public Folded fold(StoredPlan plan, RunEnd end) {
    PlanHead head = head(plan);
    try {
      long quarantined = 0;
      if (moves(head)) {
        Ledger noted = ledger;
        if (noted != null) {
          noted.force();
          directory.passed(CrashPoint.FLUSHED);
        }
        Fold.Outcomes outcomes = noted == null ? null : noted::outcomes;
        quarantined = write(head, outcomes, rules(sync, file, head), true).newlyQuarantined();
        directory.passed(CrashPoint.FOLD_WRITTEN);
        file.version++;
      }
      folded(head, end.extent());
      if (end.nothingUnsent()) {
        file.upToDateAsOf = head.server.at();
      }
      boolean warn = end.status() == RunStatus.SUCCEEDED && quarantined > 0;
      ended(warn ? end.as(RunStatus.WARNING) : end);
      file.run = run;
      file.write(directory);
      directory.passed(CrashPoint.FOLDED);
      closeLedger();
      tidyLater();
      return new Folded(quarantined);
    } catch (DamagedException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    } catch (IOException e) {
      throw new StateException(
          "Cannot move the state of %s forward: %s. What was accepted is on record and the next run takes it in; make room or mend the disk. [sync=%s run=%s]"
              .formatted(sync.name(), StandardStore.reason(e), sync.name(), run),
          e);
    }
  }

  /** Whether a fold of the plan changes what is remembered of some key. */
  private boolean moves(PlanHead head) {
    boolean skippedAgain =
        !rules(sync, file, head).holdsSkipped()
            && file.holds.getOrDefault(HoldKind.SKIPPED, 0L) > 0;
    return head.total() > 0 || head.effects() > 0 || skippedAgain;
  }

  /** Notes what the state was folded from. */
  private void folded(PlanHead head, Extent extent) {
    file.foldedRun = head.run;
    file.keptPlan = 0;
    file.key = head.key;
    file.keyShape = head.keyShape;
    file.fingerprint = head.fingerprint;
    file.mode = sync.mode();
    file.removal = sync.removal();
    file.system = head.server.system();
    file.database = head.server.database();
    file.timeline = head.server.timeline();
    file.position = head.server.position();
    if (extent == Extent.WHOLE) {
      file.definitions = file.definitions.used(head.definition, store.clock().instant());
    }
  }

  @Override
  public void takeAsDelivered(StoredPlan plan) {
    PlanHead head = head(plan);
    try {
      if (moves(head)) {
        write(head, Fold.Outcomes.accepted(), rules(sync, file, head), true);
        directory.passed(CrashPoint.RESET_WRITTEN);
      }
      folded(head, Extent.WHOLE);
      file.version++;
      file.initialising = false;
      file.clearing = false;
      file.clearUntil = 0;
      if (head.invalid == 0) {
        file.upToDateAsOf = head.server.at();
      }
      file.run = run;
      file.write(directory);
      directory.passed(CrashPoint.RESET_TAKEN);
      tidyLater();
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  // ----------------------------------------------------------------------------- clear and release

  @Override
  public long mayActUntil() {
    return Math.max(file.until, file.clearUntil);
  }

  @Override
  public boolean isClearing() {
    return file.clearing;
  }

  @Override
  public void beginClear(long until) {
    file.clearing = true;
    file.clearUntil = Math.max(file.clearUntil, until);
    write();
    directory.passed(CrashPoint.CLEAR_BEGUN);
  }

  @Override
  public void endClear() {
    directory.passed(CrashPoint.CLEARED);
    file.generation = 0;
    file.keys = 0;
    file.live = 0;
    file.unsure = 0;
    file.until = 0;
    file.holds.clear();
    file.key = ""; // whatever the filling is keyed by, also if it is a recovery that folds it
    file.keyShape = null;
    file.clearing = false;
    file.clearUntil = 0;
    file.keptPlan = 0;
    file.upToDateAsOf = null;
    file.version++;
    write();
    directory.passed(CrashPoint.CLEAR_ENDED);
  }

  private void write() {
    try {
      file.write(directory);
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  @Override
  public long release(@Nullable List<String> key) {
    if (file.generation == 0) {
      return 0;
    }
    try {
      byte[] image = key == null ? null : image(key);
      long released;
      StateFile.Census census;
      Path next = directory.state(file.generation + 1);
      try (StateFile state = StateFile.open(directory.state(file.generation));
          StateFile.Writer writer =
              new StateFile.Writer(directory.create(next), state.remembered())) {
        released = new Release(state, image).write(writer);
        census = writer.census();
      }
      directory.passed(CrashPoint.RELEASE_WRITTEN);
      if (released > 0) {
        census(census);
        file.generation++;
        file.version++;
        file.write(directory);
        directory.passed(CrashPoint.RELEASED);
      }
      tidyLater();
      return released;
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  private byte[] image(List<String> key) throws IOException {
    String about = "[sync=" + sync.name() + "]";
    try (Snapshot snapshot =
        store.snapshot(sync.model(), application(), about, new Cancellation())) {
      return snapshot.only(List.of(key)).get(0);
    }
  }

  private void census(StateFile.Census census) {
    file.keys = census.synced;
    file.live = census.live;
    file.unsure = census.unsure;
    file.until = census.until;
    file.holds.clear();
    file.holds.putAll(census.holds);
  }

  /**
   * Writes the next state; it counts once the sync file names it. Half of one does not stay: there
   * may be no room for anything else.
   */
  private Fold write(PlanHead head, Fold.@Nullable Outcomes noted, Rules rules, boolean effectsToo)
      throws IOException {
    Path next = directory.state(file.generation + 1);
    try {
      return write(next, head, noted, rules, effectsToo);
    } catch (IOException | RuntimeException e) {
      try {
        Files.deleteIfExists(next);
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  private Fold write(
      Path next, PlanHead head, Fold.@Nullable Outcomes noted, Rules rules, boolean effectsToo)
      throws IOException {
    try (StateFile state = openState();
        Fold fold =
            new Fold(state, head, directory.plan(head.run), noted, rules, effectsToo, now());
        StateFile.Writer writer =
            new StateFile.Writer(directory.create(next), head.remembered.shape())) {
      fold.write(writer);
      file.generation++;
      census(writer.census());
      return fold;
    }
  }

  @Override
  public void end(RunEnd end) {
    ended(end);
    file.run = run;
    file.unfolded = ledger == null ? file.unfolded : delivering;
    try {
      file.write(directory);
      directory.passed(CrashPoint.END_NOTED);
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }

  private void ended(RunEnd end) {
    file.lastStatus = end.status();
    file.lastEndedAt = end.endedAt();
    boolean good = end.status() == RunStatus.SUCCEEDED || end.status() == RunStatus.WARNING;
    file.failuresInARow = good ? 0 : file.failuresInARow + 1;
    if (good) {
      file.lastSuccessAt = end.endedAt();
    }
  }

  private void closeLedger() throws IOException {
    Ledger open = ledger;
    ledger = null;
    if (open != null) {
      open.close();
    }
  }

  @Override
  public void close() {
    closed = true;
    try (lock) {
      closeLedger();
    } catch (IOException e) {
      throw StandardStore.unusable(sync.name(), directory, e);
    }
  }
}
