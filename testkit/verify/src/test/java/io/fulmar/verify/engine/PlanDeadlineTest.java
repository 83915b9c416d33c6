package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.SyncReport;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** A model that takes too long as a whole, while no statement and no silence is too long. */
class PlanDeadlineTest extends SourceFixture {
  private static final String SLOW =
      "select g as id, pg_sleep(0.05)::text as n from generate_series(1, 100000) g";

  @Test
  @DisplayName("C-02: a deadline of its own ends reading, which no timeout of a statement bounds")
  void readingHasADeadline() throws Exception {
    Source source =
        sourceBuilder()
            .planDeadline(Duration.ofSeconds(1))
            .statementTimeout(Duration.ofHours(1))
            .build();
    long began = System.nanoTime();
    SyncReport report = run(source, sync(SLOW, "id").build());
    assertThat(Duration.ofNanos(System.nanoTime() - began))
        .isBetween(Duration.ofSeconds(1), Duration.ofSeconds(10));
    assertThat(report.status()).isEqualTo(RunStatus.FAILED);
    assertThat(report.error())
        .isExactlyInstanceOf(SourceException.class)
        .hasMessageMatching(
            "Cannot read the model rows: it was not read within 1 s\\. Make the model faster, or raise Source\\.Builder\\.planDeadline\\. \\[sync=crm run=\\d+ sqlstate=57014]");
    assertThat(destination.changes(report.run())).isEmpty();
    awaitQuery(
        "select count(*) from pg_stat_activity where query like '%pg_sleep(0.05)%' and pid <> pg_backend_pid()",
        "0");
  }

  @Test
  void whatIsReadInTimeIsDelivered() {
    Source source = sourceBuilder().planDeadline(Duration.ofSeconds(30)).build();
    SyncReport report = run(source, sync("select 1 as id", "id").build()).throwIfFailed();
    assertThat(sent(report)).containsExactly("ADDED 1");
  }
}
