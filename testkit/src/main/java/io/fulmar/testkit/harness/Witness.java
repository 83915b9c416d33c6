package io.fulmar.testkit.harness;

import io.fulmar.Change;
import io.fulmar.Mapping;
import io.fulmar.Sync;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import io.fulmar.testkit.harness.CallLog.Call;
import io.fulmar.testkit.harness.CallLog.Fate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Stands in front of a destination and notes each call before it is made and each answer before it
 * is given. This class is threadsafe.
 */
final class Witness extends ForwardingDestination {
  private final CallLog log;
  private final Set<String> varying;
  private final Duration patience;

  private Witness(Destination destination, CallLog log, Set<String> varying, Duration patience) {
    super(destination);
    this.log = log;
    this.varying = varying;
    this.patience = patience;
  }

  /** One that notes what a sync sends. */
  static Witness of(Sync sync, CallLog log) {
    return of(sync, sync.destination(), log, sync.callDeadline().dividedBy(2));
  }

  /**
   * One that notes what a sync sends.
   *
   * @param destination where it goes instead
   * @param patience the engine is sure to wait so long for an answer
   */
  static Witness of(Sync sync, Destination destination, CallLog log, Duration patience) {
    Set<String> varying = new HashSet<>();
    Mapping mapping = sync.mapping();
    if (mapping != null) {
      for (Mapping.Column column : mapping.columns()) {
        if (column instanceof Mapping.RunNumber || column instanceof Mapping.SyncedAt) {
          varying.add(column.name());
        }
      }
    }
    return new Witness(destination, log, varying, patience);
  }

  @Override
  public void clear(RunContext run) throws Exception {
    destination.clear(run);
  }

  @Override
  @SuppressWarnings("try") // its close() may be interrupted
  public Writer open(RunContext run) throws Exception {
    Writer writer = destination.open(run);
    return new Writer() {
      @Override
      public Delivery write(Batch batch) throws Exception {
        return noted(run, batch, writer);
      }

      @Override
      public void close() throws Exception {
        writer.close();
      }
    };
  }

  private Delivery noted(RunContext run, Batch batch, Writer writer) throws Exception {
    List<Sent> sent = batch.changes().stream().map(each -> Sent.of(each, varying)).toList();
    long began = System.nanoTime();
    Call call = log.begin(run.run(), sent, System.currentTimeMillis());
    List<Fate> fates = Collections.nCopies(batch.size(), Fate.UNKNOWN);
    try {
      Delivery delivery = writer.write(batch);
      fates = fates(batch, delivery);
      return delivery;
    } catch (NotAppliedException | StopRunException e) {
      fates = Collections.nCopies(batch.size(), Fate.NOT_APPLIED);
      throw e;
    } catch (BatchRejectedException e) {
      Fate fate = batch.size() == 1 ? Fate.REJECTED : Fate.NOT_APPLIED;
      fates = Collections.nCopies(batch.size(), fate);
      throw e;
    } finally {
      long nanos = System.nanoTime() - began;
      boolean doubtful = nanos > patience.toNanos();
      log.end(call, fates, System.currentTimeMillis(), doubtful);
    }
  }

  /** As the engine must take it: an answer that breaks the contract answers nothing. */
  private static List<Fate> fates(Batch batch, @Nullable Delivery delivery) {
    List<Fate> unknown = Collections.nCopies(batch.size(), Fate.UNKNOWN);
    if (delivery == null) {
      return unknown;
    }
    Map<String, Verdict> verdicts = new HashMap<>();
    Set<String> ids = new HashSet<>();
    batch.changes().forEach(change -> ids.add(change.changeId()));
    for (Delivery.Answer answer : delivery.answers()) {
      if (!ids.contains(answer.changeId())
          || verdicts.put(answer.changeId(), answer.verdict()) != null) {
        return unknown;
      }
    }
    List<Fate> fates = new ArrayList<>();
    for (Change change : batch.changes()) {
      Verdict verdict = verdicts.get(change.changeId());
      if (verdict == null) {
        fates.add(delivery.unnamed() == Delivery.Unnamed.ACCEPTED ? Fate.ACCEPTED : Fate.UNKNOWN);
      } else if (verdict instanceof Verdict.Accepted) {
        fates.add(Fate.ACCEPTED);
      } else {
        fates.add(verdict instanceof Verdict.Skipped ? Fate.SKIPPED : Fate.REJECTED);
      }
    }
    return fates;
  }

  /** Names what it stands in front of. */
  @Override
  public String toString() {
    return "Witness[" + destination + "]";
  }
}
