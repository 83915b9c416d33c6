package io.fulmar.verify.destination;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Action;
import io.fulmar.HttpDestination;
import io.fulmar.JsonLinesDestination;
import io.fulmar.Secret;
import io.fulmar.spi.CheckContext;
import io.fulmar.spi.CheckContext.Column;
import io.fulmar.spi.Destination;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a check says of a file and of an API, and that it neither sends nor leaves anything. */
class DestinationCheckTest {
  private static final CheckContext SYNC =
      new CheckContext(
          "crm",
          Set.of(Action.UPSERT),
          List.of("id"),
          List.of(new Column("id", "bigint"), new Column("name", "text")));

  @TempDir Path directory;

  private static Map<String, List<String>> check(Destination destination) throws Exception {
    FoundSteps steps = new FoundSteps();
    destination.check(SYNC, steps);
    return steps.lines();
  }

  @Test
  @DisplayName("K-03: a check of a file says whether it can be written, and makes none")
  void fileIsLookedAt() throws Exception {
    Path path = directory.resolve("x.jsonl");
    assertThat(check(JsonLinesDestination.builder(path).build()))
        .isEqualTo(Map.of("file", List.of("found " + path + " can be written to")));
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).isEmpty();
    }
    Path missing = directory.resolve("no/x.jsonl");
    assertThat(check(JsonLinesDestination.builder(missing).build()).get("file"))
        .containsExactly(
            "failure there is no directory %s (Make the directory, change the owner, or choose another path)"
                .formatted(missing.getParent()));
    Files.writeString(path, "somebody else's\n");
    assertThat(check(JsonLinesDestination.builder(path).build()).get("file"))
        .singleElement()
        .asString()
        .startsWith("failure a line in its end was not written by Fulmar");
    assertThat(check(JsonLinesDestination.builder(directory).build()).get("file"))
        .singleElement()
        .asString()
        .startsWith("failure " + directory + " is no file that can be written to");
  }

  @Test
  @DisplayName("K-01: a check of an API connects and sends nothing")
  void apiIsLookedAt() throws Exception {
    try (RawServer server = RawServer.saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) {
      HttpDestination destination =
          HttpDestination.builder(server.uri())
              .allowPlainHttp()
              .allowPrivateAddresses()
              .request(Action.UPSERT, "PUT", "x/{id}")
              .request(Action.DELETE, "DELETE", "x/{id}")
              .bearerToken(Secret.of("canary"))
              .build();
      assertThat(check(destination))
          .isEqualTo(
              Map.of(
                  "requests", List.of("found UPSERT: PUT " + server.uri() + "x/{id}"),
                  "headers", List.of("found sends Authorization"),
                  "address", List.of("found leads to 127.0.0.1"),
                  "connection", List.of("found takes connections, without encryption")));
      assertThat(server.heads()).isEmpty();
    }
  }

  @Test
  @DisplayName("K-01: each step of an API fails alone")
  void eachStepFailsAlone() throws Exception {
    try (RawServer server = RawServer.saying("")) {
      HttpDestination.Builder wrong =
          HttpDestination.builder(server.uri())
              .allowPlainHttp()
              .request(Action.UPSERT, "PUT", "x/{name}/{nothing}")
              .changeIdMember("name")
              .bearerToken(Secret.of("canary\n"));
      Map<String, List<String>> found = check(wrong.build());
      assertThat(found.keySet()).containsExactly("requests", "headers", "address");
      assertThat(found.get("requests"))
          .contains(
              "failure the path for UPSERT names [name, nothing], and the key is [id] (Name columns of the key alone)",
              "failure the model has a column name, which is added to each row, too (Give changeIdMember(...) or sequenceMember(...) another name, or the column)");
      assertThat(found.get("headers"))
          .singleElement()
          .asString()
          .startsWith("failure Cannot send the header Authorization: ")
          .doesNotContain("canary");
      assertThat(found.get("address"))
          .singleElement()
          .asString()
          .contains("it leads to 127.0.0.1, which is loopback");
      assertThat(server.connections()).isZero();
      URI plain = URI.create("https://127.0.0.1:" + server.port());
      assertThat(
              check(
                      HttpDestination.builder(plain)
                          .allowPrivateAddresses()
                          .request(Action.UPSERT, "PUT", "{id}")
                          .build())
                  .get("connection"))
          .singleElement()
          .asString()
          .startsWith("failure ");
    }
    RawServer closed = RawServer.saying("");
    closed.close();
    assertThat(
            check(
                    HttpDestination.builder(closed.uri())
                        .allowPlainHttp()
                        .allowPrivateAddresses()
                        .request(Action.UPSERT, "PUT", "{id}")
                        .build())
                .get("connection"))
        .containsExactly(
            "failure no connection to 127.0.0.1 port %d: ConnectException (Check the address, and the firewalls between)"
                .formatted(closed.port()));
    assertThat(
            check(
                HttpDestination.builder(URI.create("https://no-such-host.invalid"))
                    .request(Action.UPSERT, "PUT", "{id}")
                    .build()))
        .containsEntry(
            "address",
            List.of(
                "failure Cannot call https://no-such-host.invalid: the name has no address (Check the base, and the resolver)"));
  }
}
