package io.fulmar.verify.connect;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.verify.fault.ForkedJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A JVM whose names come from a file of the test ({@code jdk.net.hosts.file}, read at each lookup,
 * nothing cached), which changes while an engine is open; last it is a pipe that nobody writes to.
 */
class DnsTest {
  @TempDir Path files;

  @Test
  @DisplayName(
      "B-11: a name with a new address is found at the next connection; DNS is told as DNS")
  void aNewAddressIsUsedAtTheNextConnection() throws Exception {
    try (TestPostgres postgres = TestPostgres.start()) {
      TestDatabase database = postgres.createDatabase();
      Path hosts = files.resolve("hosts");
      ForkedJvm.End end =
          ForkedJvm.run(
              files.resolve("output"),
              List.of("-Djdk.net.hosts.file=" + hosts),
              Names.class,
              List.of(hosts.toString(), Integer.toString(database.port()), database.name()));
      assertThat(end.exit()).as(end.output()).isZero();
      String place = "db.internal:" + database.port();
      assertThat(end.output().lines().filter(line -> line.startsWith("> ")))
          .satisfiesExactly(
              line -> assertThat(line).isEqualTo("> first: connected"),
              line ->
                  assertThat(line)
                      .startsWith("> missing: Cannot connect to " + place)
                      .contains("the name db.internal has no address (DNS). Look at host,"),
              line ->
                  assertThat(line)
                      .startsWith("> old: Cannot connect to " + place)
                      .contains(place + " refuses connections."),
              line -> assertThat(line).isEqualTo("> new: connected"),
              line ->
                  assertThat(line)
                      .startsWith("> slow: Cannot connect to " + place)
                      .contains(
                          "the name db.internal was not resolved within 1 s (DNS). Look at the resolver"));
    }
  }

  /** Runs in the other JVM; one engine for all that works, so that its pool goes on. */
  static final class Names {
    private Names() {}

    public static void main(String[] arguments) throws Exception {
      // The JVM remembers both by itself: 30 s an address, 10 s that there is none.
      Security.setProperty("networkaddress.cache.ttl", "0");
      Security.setProperty("networkaddress.cache.negative.ttl", "0");
      Path hosts = Path.of(arguments[0]);
      Source source = source("db.internal", Duration.ofSeconds(1), arguments);
      Path state = hosts.resolveSibling("state");
      Files.writeString(hosts, "127.0.0.1 elsewhere.internal\n");
      // A JVM that connects for the first time may take longer than the second that is told of.
      Source first = source("127.0.0.1", Duration.ofSeconds(20), arguments);
      try (SyncEngine engine = StandardEngine.on(first, hosts.resolveSibling("first"))) {
        show("first", engine);
      }
      try (SyncEngine engine = StandardEngine.on(source, state)) {
        show("missing", engine);
        // All of 127.0.0.0/8 is this machine, and the server listens on one address of it alone.
        Files.writeString(hosts, "127.0.0.9 db.internal\n");
        show("old", engine);
        Files.writeString(hosts, "127.0.0.1 db.internal\n");
        show("new", engine);
      }
      Files.delete(hosts);
      pipe(hosts);
      SyncEngine waiting = StandardEngine.on(source, state);
      show("slow", waiting);
      System.out.flush();
      // The look-up hangs for good, and with it the thread that the driver made for it.
      Runtime.getRuntime().halt(0);
    }

    private static Source source(String host, Duration connectTimeout, String[] arguments) {
      return Source.builder()
          .host(host)
          .port(Integer.parseInt(arguments[1]))
          .database(arguments[2])
          .user("postgres")
          .connectTimeout(connectTimeout)
          .withoutTls()
          .build();
    }

    private static void show(String what, SyncEngine engine) {
      String result;
      try {
        engine.preview(Model.query("one", "select 1 as id").key("id"));
        result = "connected";
      } catch (SourceException e) {
        result = e.getMessage();
      }
      System.out.println("> " + what + ": " + result);
    }

    private static void pipe(Path path) throws IOException, InterruptedException {
      Process made = new ProcessBuilder("mkfifo", path.toString()).start();
      if (made.waitFor() != 0) {
        throw new IOException("no pipe could be made");
      }
    }
  }
}
