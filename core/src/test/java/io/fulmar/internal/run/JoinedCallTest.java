package io.fulmar.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Action;
import io.fulmar.StateException;
import io.fulmar.internal.store.JoinedWrite;
import io.fulmar.internal.store.JoinedWriter;
import io.fulmar.internal.store.JoinedWrites;
import io.fulmar.internal.store.Outcome;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.NotAppliedException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * One call over transactions in memory: what is noted in one counts when it is committed, and is
 * gone when it is not.
 */
class JoinedCallTest {
  private final List<String> committed = new ArrayList<>();
  private final List<String> undone = new ArrayList<>();
  private final List<Integer> ranges = new ArrayList<>();
  private Exception atCommit;

  private final Connection connection =
      (Connection)
          Proxy.newProxyInstance(
              getClass().getClassLoader(),
              new Class<?>[] {Connection.class},
              (proxy, method, arguments) -> {
                throw new UnsupportedOperationException(method.getName());
              });

  /** Whether the writer has what it needs, before a transaction is begun. */
  private boolean prepared;

  private final JoinedWrites writes =
      () -> {
        assertThat(prepared).isTrue();
        return new Transaction();
      };

  private final class Transaction implements JoinedWrite {
    private final List<String> noted = new ArrayList<>();
    private boolean over;

    @Override
    public Connection connection() {
      return connection;
    }

    @Override
    public void acknowledge(long from, List<Outcome> outcomes) {
      ranges.add(outcomes.size());
      for (int i = 0; i < outcomes.size(); i++) {
        noted.add(from + i + " " + outcomes.get(i).kind());
      }
    }

    @Override
    public void commit() throws Exception {
      if (atCommit != null) {
        throw atCommit;
      }
      committed.addAll(noted);
      over = true;
    }

    @Override
    public void close() {
      if (!over) {
        undone.addAll(noted);
      }
    }
  }

  /** Answers as it is told. */
  private interface Script {
    Delivery answer(Batch batch) throws Exception;
  }

  private Delivery call(Script script, List<PlannedChange> planned) throws Exception {
    JoinedWriter writer =
        new JoinedWriter() {
          @Override
          public boolean joins() {
            return true;
          }

          @Override
          public void prepare() {
            prepared = true;
          }

          @Override
          public Delivery write(Batch batch) {
            throw new AssertionError("a writer that joins is given a transaction");
          }

          @Override
          public Delivery write(Batch batch, Connection joined) throws Exception {
            assertThat(joined).isSameAs(connection);
            return script.answer(batch);
          }

          @Override
          public void close() {}
        };
    Batch batch = new Batch(Action.UPSERT, planned.stream().map(PlannedChange::change).toList());
    return new JoinedCall(writes, writer, batch, planned).write();
  }

  @Test
  void outcomesAreCommittedWithTheRows() throws Exception {
    call(
        batch ->
            Delivery.acceptedExcept()
                .rejected(batch.changes().get(1), "E1", "no")
                .skipped(batch.changes().get(2))
                .build(),
        Changes.added(3));
    assertThat(committed).containsExactly("0 ACCEPTED", "1 REJECTED", "2 SKIPPED");
    assertThat(undone).isEmpty();
  }

  @Test
  @DisplayName("changes that do not stand together in the plan are noted where they stand")
  void gapsInThePlanStayGaps() throws Exception {
    List<PlannedChange> all = Changes.added(6);
    call(batch -> Delivery.allAccepted(), Stream.of(0, 1, 4, 5).map(all::get).toList());
    assertThat(committed).containsExactly("0 ACCEPTED", "1 ACCEPTED", "4 ACCEPTED", "5 ACCEPTED");
    assertThat(ranges).as("what stands together is noted at once").containsExactly(2, 2);
  }

  @Test
  void whatTheWriterThrowsUndoesEverything() {
    NotAppliedException later = new NotAppliedException("not now", (Throwable) null);
    assertThatThrownBy(
            () ->
                call(
                    batch -> {
                      throw later;
                    },
                    Changes.added(2)))
        .isSameAs(later);
    assertThat(committed).isEmpty();
  }

  @Test
  @DisplayName("J-03: anything else that is thrown has not been applied, and halving finds the row")
  void unexpectedExceptionIsARejection() {
    assertThatThrownBy(
            () ->
                call(
                    batch -> {
                      throw new IllegalArgumentException("holds a value");
                    },
                    Changes.added(2)))
        .isInstanceOf(BatchRejectedException.class)
        .hasMessage("the call threw java.lang.IllegalArgumentException");
    assertThat(committed).isEmpty();
  }

  @Test
  @DisplayName("J-02: an answer that breaks its contract is not committed")
  void brokenContractIsNotCommitted() {
    assertThatThrownBy(
            () ->
                call(
                    batch ->
                        Delivery.acceptedExcept()
                            .rejected(batch.changes().get(0), "E1", "no")
                            .rejected(batch.changes().get(0), "E1", "no")
                            .build(),
                    Changes.added(2)))
        .isInstanceOf(BatchRejectedException.class)
        .hasMessage("the answer names a change twice");
    assertThat(committed).isEmpty();
  }

  @Test
  void commitThatNobodyKnowsOfComesOutAsItIs() {
    atCommit = new StateException("Cannot find out.");
    assertThatThrownBy(() -> call(batch -> Delivery.allAccepted(), Changes.added(2)))
        .isSameAs(atCommit);
    assertThat(undone).containsExactly("0 ACCEPTED", "1 ACCEPTED");
  }
}
