package io.fulmar.verify.readme;

import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.LightningSetup;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.harness.HistoryRow;
import io.fulmar.testkit.harness.HistorySubject;
import io.fulmar.testkit.harness.HistoryTable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** README.md's example of what random histories happen to, between the markers. */
public final class CrmHistory implements HistorySubject {
  private final TestDatabase database;
  private final HistoryTable table;
  private final Path crm;

  /**
   * A subject that knows nothing of others.
   *
   * @param database a new one
   * @param crm an empty directory for the records
   */
  CrmHistory(TestDatabase database, Path crm) throws Exception {
    database.execute(LightningSetup.of(database.user()).setupSql());
    this.database = database;
    this.table = HistoryTable.in(database.dataSource());
    this.crm = crm;
  }

  // begin README
  @Override
  public void replace(List<HistoryRow> rows) throws Exception {
    table.replace(rows); // a HistoryTable.in(dataSource)
  }

  @Override
  public Sync.Builder sync() {
    return Sync.builder("crm").model(table.model()).to(CrmLife.crm(crm));
  }

  @Override
  public SyncEngine open(Clock clock, Duration grace) {
    return LightningEngine.builder(database.source().build())
        .clock(clock)
        .grace(grace)
        .lease(Duration.ofSeconds(1))
        .build();
  }

  @Override
  public Map<String, String> contents() throws Exception {
    Map<String, String> records = new TreeMap<>();
    try (Stream<Path> files = Files.list(crm)) {
      for (Path file : files.toList()) {
        records.put(file.getFileName().toString(), Files.readString(file));
      }
    }
    return records;
  }
  // end README
}
