package io.fulmar.verify.contract;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.CheckContext;
import io.fulmar.spi.CheckSteps;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** A destination that keeps the contract, but for one flaw. */
@SuppressWarnings("try") // close() of a writer may be interrupted
final class MemoryDestination implements Destination {
  static final String SECRET = "secret-90ab";

  private final MemoryTarget target;
  private final Capabilities capabilities;
  private final Flaw flaw;
  private int asked;

  MemoryDestination(MemoryTarget target, Capabilities capabilities, Flaw flaw) {
    this.target = target;
    this.capabilities = capabilities;
    this.flaw = flaw;
  }

  private boolean has(Flaw one) {
    return flaw == one;
  }

  @Override
  public String type() {
    return "memory";
  }

  @Override
  public String identity() {
    asked++;
    return has(Flaw.D1_IDENTITY_CHANGES)
        ? "memory:" + asked
        : has(Flaw.D30_IDENTITY_SHOWS_SECRET) ? "memory:" + SECRET : "memory:records";
  }

  @Override
  public Capabilities capabilities() {
    return capabilities;
  }

  @Override
  public Writer open(RunContext run) {
    target.writers.incrementAndGet();
    return new MemoryWriter();
  }

  @Override
  public void clear(RunContext run) {
    synchronized (target) {
      target.records.keySet().removeIf(id -> !(has(Flaw.D26_CLEAR_LEAVES_ONE) && id == 1));
      target.sequences.clear();
    }
  }

  @Override
  public void check(CheckContext sync, CheckSteps steps) {
    steps.step("target", findings -> findings.found("is there"));
    if (has(Flaw.D31_CHECK_WRITES)) {
      synchronized (target) {
        target.records.put(42L, new HashMap<>());
      }
    }
  }

  private final class MemoryWriter implements Writer {
    private final List<Runnable> waiting = new ArrayList<>();
    private @Nullable String lastId;
    private boolean closed;
    private boolean failed;

    @Override
    public Delivery write(Batch batch) throws Exception {
      try {
        reach(batch);
        synchronized (target) {
          Delivery.Builder delivery = Delivery.builder();
          int left = has(Flaw.D13_LEAVES_CHANGE_OUT) && batch.size() == 5 ? 1 : 0;
          for (Change change : batch.changes().subList(left, batch.size())) {
            delivery.answer(change.changeId(), apply(batch.action(), change));
          }
          if (has(Flaw.D13_ANSWERS_FOR_ANOTHER_BATCH) && lastId != null) {
            delivery.answer(lastId, new Verdict.Accepted());
          }
          lastId = batch.changes().get(0).changeId();
          failed = false;
          return delivery.build();
        }
      } catch (Exception e) {
        failed = true;
        throw e;
      }
    }

    /** Everything that may keep a batch from the target. */
    private void reach(Batch batch) throws Exception {
      if (Thread.currentThread().isInterrupted()) {
        if (has(Flaw.D22_HANGS_ON_INTERRUPT)) {
          hang(target.end);
        } else if (has(Flaw.D22_REMEMBERS_WHAT_IT_DID_NOT_DO)) {
          batch.changes().forEach(change -> target.done.add(change.changeId()));
        }
        throw new InterruptedException();
      }
      if (target.silence.getCount() > 0) {
        if (has(Flaw.D23_CANNOT_BE_INTERRUPTED)) {
          hang(target.end);
        }
        target.silence.await();
      }
      if (target.isAway) {
        if (has(Flaw.D28_APPLIES_ALL_THE_SAME)) {
          batch.changes().forEach(change -> apply(batch.action(), change));
        } else if (has(Flaw.D28_ANY_EXCEPTION)) {
          throw new IOException("out of reach");
        }
        String value =
            has(Flaw.D28_MESSAGE_SHOWS_VALUE) ? batch.changes().get(0).row().text("t") : "";
        throw new NotAppliedException("out of reach " + value, (Throwable) null);
      }
      if (has(Flaw.D27_ONE_WRITER_AT_A_TIME) && target.writers.get() > 1) {
        throw new IOException("another writer is open");
      }
      long bytes = batch.changes().stream().mapToLong(MemoryDestination::bytes).sum();
      if (has(Flaw.D19_FEWER_ROWS) && batch.size() >= capabilities.maxRows()) {
        throw new IOException("too many rows");
      } else if (has(Flaw.D20_HALF_THE_BYTES)
          && batch.size() > 1
          && bytes > capabilities.maxBytes() / 2) {
        throw new IOException("too many bytes");
      } else if (has(Flaw.D21_LARGE_ROW_IS_UNKNOWN) && bytes > capabilities.maxBytes()) {
        throw new IOException("too large");
      }
    }

    private Verdict apply(Action action, Change change) {
      long id = id(change);
      boolean isThere = target.records.containsKey(id);
      if (!target.done.add(change.changeId())) {
        return has(Flaw.D10_REPEAT_IS_REFUSED) && change.attempt() > 1
            ? rejected("DUPLICATE")
            : new Verdict.Accepted();
      }
      String text = change.row().columns().contains("t") ? change.row().text("t") : null;
      if (text != null && text.startsWith("refused")) {
        target.done.remove(change.changeId());
        return has(Flaw.D14_REFUSED_ROW_IS_ACCEPTED)
            ? new Verdict.Accepted()
            : rejected(has(Flaw.D15_REFUSAL_SHOWS_VALUE) ? text : "not this text");
      }
      boolean isOld = target.sequences.getOrDefault(id, 0L) > change.sequence();
      if (isOld && !has(Flaw.D11_SEQUENCE_IS_IGNORED)) {
        return new Verdict.Accepted();
      }
      if (action == Action.DELETE && !isThere && has(Flaw.D7_DELETE_OF_ABSENT_IS_REFUSED)) {
        return change.attempt() > 1 ? new Verdict.Accepted() : rejected("NOT_FOUND");
      } else if (action == Action.INSERT && isThere && !has(Flaw.D4_INSERT_WRITES_OVER)) {
        return new Verdict.Skipped();
      } else if (action == Action.UPDATE && !isThere && !has(Flaw.D5_UPDATE_CREATES)) {
        return new Verdict.Skipped();
      }
      target.sequences.put(id, change.sequence());
      Runnable work = work(action, change, id);
      if (has(Flaw.D12_WRITES_AT_CLOSE)) {
        waiting.add(work);
      } else {
        work.run();
      }
      return new Verdict.Accepted();
    }

    private Runnable work(Action action, Change change, long id) {
      return switch (action) {
        case INSERT, UPDATE, UPSERT -> () -> put(action, change, id);
        case DELETE ->
            () -> {
              target.records.remove(id);
              if (has(Flaw.D6_DELETE_REMOVES_THE_NEXT)) {
                target.records.remove(id + 1);
              }
            };
        case CLEAR ->
            () -> {
              if (has(Flaw.D8_CLEAR_DELETES)) {
                target.records.remove(id);
              } else if (target.records.containsKey(id) || has(Flaw.D9_CLEAR_CREATES)) {
                target.records.put(id, new HashMap<>());
              }
            };
      };
    }

    private void put(Action action, Change change, long id) {
      Map<String, @Nullable String> before = target.records.getOrDefault(id, Map.of());
      Map<String, @Nullable String> record = new HashMap<>();
      for (String column : change.row().columns()) {
        String text = change.row().text(column);
        if (text == null && has(Flaw.D3_NULL_IS_LEFT_OUT)) {
          text = before.get(column);
        } else if (text != null
            && before.get(column) != null
            && action == Action.UPSERT
            && has(Flaw.D2_OLD_VALUE_STAYS)) {
          text = before.get(column);
        } else if (has(Flaw.D16_NEGATIVE_ZERO_LOSES_ITS_SIGN) && "-0".equals(text)) {
          text = "0";
        } else if (text != null && has(Flaw.D17_TEXT_IS_STRIPPED)) {
          text = text.strip();
        }
        record.put(column, text);
      }
      target.records.put(id, record);
      if (has(Flaw.D29_CHANGES_THE_BYTES)
          && change.row().value("y") instanceof byte[] bytes
          && bytes.length > 0) {
        bytes[0]++;
      }
    }

    private Verdict rejected(String code) {
      return new Verdict.Rejected(code.split(" ")[0], code, Verdict.Retry.NEXT_RUN);
    }

    private long id(Change change) {
      long id = Objects.requireNonNull(change.key().longValue("id"));
      return has(Flaw.D18_KEY_IS_A_DOUBLE) ? (long) (double) id : id;
    }

    @Override
    public void close() throws IOException {
      if (closed) {
        if (has(Flaw.D24_CLOSES_ONCE)) {
          throw new IllegalStateException("closed already");
        }
        return;
      }
      closed = true;
      target.writers.decrementAndGet();
      synchronized (target) {
        waiting.forEach(Runnable::run);
      }
      if (failed && has(Flaw.D25_CLOSE_FAILS_TOO)) {
        throw new IOException("broken");
      }
    }
  }

  private static long bytes(Change change) {
    long bytes = 0;
    for (String column : change.row().columns()) {
      String text = change.row().text(column);
      bytes += text == null ? 0 : text.getBytes(StandardCharsets.UTF_8).length;
    }
    return bytes;
  }

  /** As code that cannot be interrupted. */
  private static void hang(CountDownLatch latch) {
    boolean interrupted = Thread.interrupted();
    while (true) {
      try {
        latch.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
