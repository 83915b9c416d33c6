package io.fulmar.verify.fault;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.nio.file.Path;
import java.util.List;

/** The main class of a {@link ForkedJvm} that runs one sync twice and says what it counted. */
public final class CountingRuns {
  private CountingRuns() {}

  /** Arguments of {@link #main}. */
  public static List<String> arguments(
      String host, int port, String database, String user, Path state, String sql) {
    return List.of(host, Integer.toString(port), database, user, state.toString(), sql);
  }

  /**
   * Runs the sync twice.
   *
   * @param args see {@link #arguments}; the key of the model is {@code id}
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
        Sync.builder("forked")
            .model(Model.query("rows", args[5]).key("id"))
            .to(Destination.of("test:forked", batch -> Delivery.allAccepted()))
            .build();
    try (SyncEngine engine = StandardEngine.on(source, Path.of(args[4]))) {
      for (int i = 1; i <= 2; i++) {
        SyncReport report = engine.run(sync).throwIfFailed();
        System.out.println(
            "run %d: rows %d, accepted %d, failed %d %s"
                .formatted(
                    i,
                    report.changeSet().rows(),
                    report.total().accepted(),
                    report.total().failed(),
                    report.failures().stream().map(SyncReport.FailureGroup::code).toList()));
      }
    }
  }
}
