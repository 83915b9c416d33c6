package io.fulmar.lightning.internal.state;

import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.SyncMode;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.store.Definitions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a sync besides its keys: its row in {@code fulmar_syncs}. Fields are changed in
 * a {@link #copy}, which is written in the transaction that moves everything else. Not threadsafe.
 */
public final class SyncRecord {
  /** The format of the tables that this version reads and writes. */
  public static final int FORMAT = 1;

  /** Name of the sync. */
  public String sync = "";

  /** Number of the sync; its tables are named after it. */
  public long slot;

  /** Random, made with the state: ids of changes follow from it. */
  public String incarnation = "";

  /** Random, made with the state: seeds of hashes follow from it. */
  public String secret = "";

  /** Identity of the destination. */
  public String destination = "";

  /** The highest revision of the sync that has been seen. */
  public long revision;

  /** How often every row has been made due again. */
  public long epoch;

  /** Grows with each change of what is remembered; a stored plan of another one is stale. */
  public long stateVersion;

  /** Which state table counts, 0 or 1; null while neither it nor the table of holds exists. */
  public @Nullable Integer generation;

  /** Keys of which a version has been accepted. */
  public long keys;

  /** Those of them that are not gone. */
  public long live;

  /** See {@code ModelShape.keySignature}; null before the first fold. */
  public @Nullable String keySignature;

  /** How keys are decoded, as text; null before the first fold. */
  public @Nullable String keyShape;

  /** What the columns of the state and of holds are, as text; null before the first fold. */
  public @Nullable String stateColumns;

  /** Names and types of what was compared in the last fold. */
  public String fingerprint = "";

  /** The definitions that were folded. */
  public Definitions definitions = Definitions.NONE;

  /** Mode of the last fold; null before the first. */
  public @Nullable SyncMode mode;

  /** Removal of the last fold; null before the first. */
  public @Nullable Removal removal;

  /** The columns that are remembered with accepted versions, as text; null for none. */
  public @Nullable String remembered;

  /** The newest run. */
  public long run;

  /** The plan that was folded last. */
  public long foldedRun;

  /** The plan that waits for approval; 0 for none. */
  public long keptPlan;

  /** The plan that is being delivered, or was when its run died; 0 for none. */
  public long deliveringPlan;

  /** The plan of a run whose end is noted here, and whose fold failed; 0 for none. */
  public long unfolded;

  /** How the last run ended; null before the first. */
  public @Nullable RunStatus lastStatus;

  /** When it ended. */
  public @Nullable Instant lastEndedAt;

  /** When a run last ended well. */
  public @Nullable Instant lastSuccessAt;

  /** Runs since then. */
  public int failuresInARow;

  /** The moment in the source that the destination reflects; null for none. */
  public @Nullable Instant upToDateAsOf;

  /** System identifier of the cluster at the last fold; 0 before the first. */
  public long systemIdentifier;

  /** Its timeline then. */
  public int timeline;

  /** The database then. */
  public String database = "";

  /** Position in the write-ahead log then. */
  public long position;

  /** Whether a clear of the destination was begun and is not known to have ended ... */
  public boolean clearing;

  /** ... and the moment until which it may act, in milliseconds since 1970. */
  public long clearUntil;

  /** Whether the state is being made out of the present result, and must not be run before. */
  public boolean initialising;

  /** The last moment at which a call for some key may act, in milliseconds since 1970. */
  public long until;

  /** Oid of the state table at the last fold; 0 for none. */
  public long stateOid;

  /** Its file then: another one after TRUNCATE, VACUUM FULL and the like. */
  public long stateFilenode;

  /** File of the table of holds at the last fold; 0 for none. */
  public long holdsFilenode;

  /** How many rows it had then. */
  public long holdsRows;

  /** Runs whose logs are still to be written; null for none. */
  public @Nullable String logGaps;

  /** What the delta scan compares with the present; null if there is nothing to go by. */
  public @Nullable String deltaBase;

  /** See {@code Snapshot.writes}, at the last plan that was folded whole; empty for unknown. */
  public String sourceWrites = "";

  /** When everything was compared last. */
  public @Nullable Instant lastFullDiffAt;

  /** Where the state was taken over from; null if it was made here. */
  public @Nullable String movedFrom;

  /** Why a plan needs an approval, beside its guards; not stored. */
  public List<String> objections = List.of();

  /** Which server it is now, if it is another than at the last fold, or went back; not stored. */
  public @Nullable ServerIdentity server;

  /** A record of the same values. */
  public SyncRecord copy() {
    SyncRecord copy = new SyncRecord();
    copy.sync = sync;
    copy.slot = slot;
    copy.incarnation = incarnation;
    copy.secret = secret;
    copy.destination = destination;
    copy.revision = revision;
    copy.epoch = epoch;
    copy.stateVersion = stateVersion;
    copy.generation = generation;
    copy.keys = keys;
    copy.live = live;
    copy.keySignature = keySignature;
    copy.keyShape = keyShape;
    copy.stateColumns = stateColumns;
    copy.fingerprint = fingerprint;
    copy.definitions = definitions;
    copy.mode = mode;
    copy.removal = removal;
    copy.remembered = remembered;
    copy.run = run;
    copy.foldedRun = foldedRun;
    copy.keptPlan = keptPlan;
    copy.deliveringPlan = deliveringPlan;
    copy.unfolded = unfolded;
    copy.lastStatus = lastStatus;
    copy.lastEndedAt = lastEndedAt;
    copy.lastSuccessAt = lastSuccessAt;
    copy.failuresInARow = failuresInARow;
    copy.upToDateAsOf = upToDateAsOf;
    copy.systemIdentifier = systemIdentifier;
    copy.timeline = timeline;
    copy.database = database;
    copy.position = position;
    copy.clearing = clearing;
    copy.clearUntil = clearUntil;
    copy.initialising = initialising;
    copy.until = until;
    copy.stateOid = stateOid;
    copy.stateFilenode = stateFilenode;
    copy.holdsFilenode = holdsFilenode;
    copy.holdsRows = holdsRows;
    copy.logGaps = logGaps;
    copy.deltaBase = deltaBase;
    copy.sourceWrites = sourceWrites;
    copy.lastFullDiffAt = lastFullDiffAt;
    copy.movedFrom = movedFrom;
    copy.objections = objections;
    copy.server = server;
    return copy;
  }

  /** The stored values, in the order of {@link RecordSql#COLUMNS}. */
  List<@Nullable Object> values() {
    return Arrays.asList(
        incarnation,
        secret,
        destination,
        revision,
        epoch,
        stateVersion,
        generation,
        keys,
        live,
        keySignature,
        keyShape,
        stateColumns,
        fingerprint.replace('\0', ' '), // which no text of PostgreSQL has
        definitions.text(),
        mode == null ? null : mode.name(),
        removal == null ? null : removal.name(),
        remembered,
        run,
        foldedRun,
        keptPlan,
        deliveringPlan,
        unfolded,
        lastStatus == null ? null : lastStatus.name(),
        RecordSql.timestamp(lastEndedAt),
        RecordSql.timestamp(lastSuccessAt),
        failuresInARow,
        RecordSql.timestamp(upToDateAsOf),
        systemIdentifier,
        timeline,
        database,
        position,
        clearing,
        clearUntil,
        initialising,
        until,
        stateOid,
        stateFilenode,
        holdsFilenode,
        holdsRows,
        logGaps,
        deltaBase,
        sourceWrites,
        RecordSql.timestamp(lastFullDiffAt),
        movedFrom);
  }

  /** The stored values, without one whose text has its parts in any order. */
  private List<@Nullable Object> valuesBut(Definitions without) {
    List<@Nullable Object> values = new ArrayList<>(values());
    values.remove(without.text());
    return values;
  }

  /** Whether what is stored of the other is the same. */
  boolean isStoredLike(SyncRecord other) {
    return sync.equals(other.sync)
        && slot == other.slot
        && definitions.equals(other.definitions)
        && Objects.equals(valuesBut(definitions), other.valuesBut(other.definitions));
  }
}
