package io.fulmar.verify.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Delivery;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

/** README.md's examples of shutdown are code that runs. */
class ShutdownExampleTest {
  @TempDir Path state;

  @Test
  void examplesAreTheCodeThatRuns() {
    assertThat(Readme.blocks("java").stream().map(Readme::tokens))
        .contains(
            Readme.tokens(Readme.marked("io.fulmar.verify.readme.SpringExample")),
            Readme.tokens(Readme.marked("io.fulmar.verify.readme.PlainExample")));
  }

  private static AnnotationConfigApplicationContext context(TestDatabase database, Path state) {
    AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext();
    context.registerBean(DataSource.class, database::dataSource);
    context.registerBean(Path.class, () -> state);
    context.register(SpringExample.Syncs.class);
    context.refresh();
    return context;
  }

  @Test
  @DisplayName(
      "P1: a context that closes in mid-run keeps what was accepted, the next brings the rest")
  void contextThatClosesInMidRunLosesNothing() throws Exception {
    try (TestPostgres postgres = TestPostgres.start()) {
      TestDatabase database = postgres.createDatabase();
      database.execute(
          "create table t (id int primary key)", "insert into t select generate_series(1, 6)");
      RecordingDestination destination = RecordingDestination.of("crm");
      CountDownLatch first = new CountDownLatch(1);
      CountDownLatch closing = new CountDownLatch(1);
      destination.answers(
          (run, batch) -> {
            first.countDown();
            assertThat(closing.await(20, TimeUnit.SECONDS)).isTrue();
            return Delivery.allAccepted();
          });
      Sync sync =
          Sync.builder("crm")
              .model(Model.query("t", "select id from t").key("id"))
              .to(destination)
              .batchRows(2)
              .build();
      AnnotationConfigApplicationContext context = context(database, state);
      SyncEngine engine = context.getBean(SyncEngine.class);
      FutureTask<SyncReport> run = new FutureTask<>(() -> engine.run(sync));
      new Thread(run, "scheduler").start();
      assertThat(first.await(20, TimeUnit.SECONDS)).isTrue();
      Thread closer = new Thread(context::close, "closer");
      closer.start();
      while (closer.getState() != Thread.State.TIMED_WAITING) {
        Thread.onSpinWait(); // until it waits for the run
      }
      closing.countDown();
      closer.join();

      assertThat(run.get().status()).isEqualTo(RunStatus.CANCELLED);
      assertThat(run.get().total().accepted()).isEqualTo(2);
      destination.acceptAll();
      try (AnnotationConfigApplicationContext next = context(database, state)) {
        SyncReport rest = next.getBean(SyncEngine.class).run(sync).throwIfFailed();
        assertThat(rest.total().accepted()).isEqualTo(4);
      }
      assertThat(destination.contents()).hasSize(6);
      assertThat(destination.violations()).isEmpty();
    }
  }

  @Test
  void plainMainGivesAnExitCode() throws Exception {
    try (TestPostgres postgres = TestPostgres.start()) {
      TestDatabase database = postgres.createDatabase();
      Sync sync =
          Sync.builder("crm")
              .model(Model.query("t", "select 1 as id").key("id"))
              .to(RecordingDestination.of("crm"))
              .build();
      assertThat(PlainExample.run(io.fulmar.Source.of(database.dataSource()), state, sync))
          .isZero();
    }
  }
}
