package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.LightningSetup;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.verify.fault.ForkedJvm;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A state of many rows is moved by a JVM with little heap. */
@Tag("soak")
class MoveMemoryTest extends SourceFixture {
  private static final int ROWS = Integer.getInteger("fulmar.rows", 1_000_000);

  @TempDir Path temporary;

  @Test
  @DisplayName("P5: a million rows are moved with 64 MiB of heap")
  void manyRowsNeedLittleHeap() throws Exception {
    database.execute(LightningSetup.of(database.user()).setupSql());
    database.execute(
        "create table item (id int8 primary key, a text, b numeric, c timestamptz)",
        "insert into item select i, 'item ' || i, i / 3.0, to_timestamp(i) from generate_series(1, "
            + ROWS
            + ") i",
        "analyze item");

    ForkedJvm.End end =
        ForkedJvm.run(
            temporary.resolve("output"),
            List.of("-Xmx64m", "-XX:+UseSerialGC"),
            MoveMemoryTest.class,
            List.of(
                database.host(),
                Integer.toString(database.port()),
                database.name(),
                database.user(),
                state.toString()));

    System.out.println(end.output().lines().filter(line -> line.startsWith("moved")).toList());
    assertThat(end.output()).endsWith("planned 0\n");
    assertThat(end.exit()).isZero();
  }

  /**
   * Delivers, moves and runs again.
   *
   * @param args host, port, name and user of the database, state directory
   */
  public static void main(String[] args) {
    Source source =
        Source.builder()
            .host(args[0])
            .port(Integer.parseInt(args[1]))
            .database(args[2])
            .user(args[3])
            .withoutTls()
            .build();
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("items", "select * from item").key("id"))
            .to(Destination.of("nowhere", batch -> Delivery.allAccepted()))
            .build();
    Path state = Path.of(args[4]);
    try (SyncEngine engine = StandardEngine.on(source, state)) {
      engine.run(sync).throwIfFailed();
    }
    try (LightningEngine engine = LightningEngine.on(source)) {
      long began = System.nanoTime();
      engine.moveIn(sync, state);
      System.out.println("moved in " + Duration.ofNanos(System.nanoTime() - began));
      System.out.println("planned " + engine.run(sync).throwIfFailed().total().planned());
    }
  }
}
