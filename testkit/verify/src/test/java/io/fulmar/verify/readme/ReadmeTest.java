package io.fulmar.verify.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Action;
import io.fulmar.HttpDestination;
import io.fulmar.JsonLinesDestination;
import io.fulmar.JsonNumbers;
import io.fulmar.JsonVerdicts;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.lightning.internal.plan.PlanSettings;
import io.fulmar.lightning.internal.state.LightningSettings;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import io.fulmar.tunnel.ForwardTunnel;
import io.fulmar.tunnel.ReverseTunnel;
import io.fulmar.tunnel.TunnelServer;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * README.md says what is there: its options, defaults, links, SQL and the size of its first screen.
 */
class ReadmeTest {
  private static final Pattern OPTION =
      Pattern.compile("(?m)^\\| `(\\w+)\\([^`]*\\)` \\| .* \\| ([^|]+) \\|$");

  private static final Pattern FULMAR_VERSION =
      Pattern.compile("<artifactId>fulmar-\\w+</artifactId>\\s*<version>([^<]+)</version>");

  /** Options of a table, with what the README gives as their default. */
  private static Map<String, String> options(String heading) {
    String text = Readme.text();
    int from = text.indexOf("\n### " + heading + "\n");
    assertThat(from).as("the heading " + heading).isPositive();
    int to = text.indexOf("\n##", from + 1);
    Map<String, String> options = new LinkedHashMap<>();
    OPTION
        .matcher(text.substring(from, to))
        .results()
        .forEach(row -> options.put(row.group(1), row.group(2).replace("`", "")));
    assertThat(options).isNotEmpty();
    return options;
  }

  private static TreeSet<String> setters(Class<?> builder) {
    TreeSet<String> names = new TreeSet<>();
    // What builders have in common is declared above them.
    for (Method method : builder.getMethods()) {
      if (method.getDeclaringClass() != Object.class
          && !Modifier.isStatic(method.getModifiers())
          && !method.isSynthetic()
          && !method.getName().equals("build")
          && !method.getName().equals("start")) {
        names.add(method.getName());
      }
    }
    return names;
  }

  @ParameterizedTest
  @ValueSource(
      classes = {
        Capabilities.class,
        ForwardTunnel.class,
        HttpDestination.class,
        JsonLinesDestination.class,
        JsonVerdicts.class,
        LightningEngine.class,
        PostgresDestination.class,
        ReverseTunnel.class,
        Source.class,
        StandardEngine.class,
        Sync.class,
        SyncLogs.class,
        TunnelServer.class
      })
  void everyOptionOfABuilderIsListedAndNoOther(Class<?> type) {
    Class<?> builder =
        Arrays.stream(type.getDeclaredClasses())
            .filter(inner -> inner.getSimpleName().equals("Builder"))
            .findFirst()
            .orElseThrow();
    assertThat(options(type.getSimpleName()).keySet())
        .containsExactlyInAnyOrderElementsOf(setters(builder));
  }

  @Test
  void everyWayToMakeModelIsListedAndNoOther() {
    TreeSet<String> factories = new TreeSet<>();
    for (Method method : Model.class.getDeclaredMethods()) {
      if (Modifier.isPublic(method.getModifiers()) && Modifier.isStatic(method.getModifiers())) {
        factories.add(method.getName());
      }
    }
    assertThat(Pattern.compile("(?m)^\\| `Model\\.(\\w+)\\(").matcher(Readme.text()).results())
        .extracting(row -> row.group(1))
        .containsExactlyInAnyOrderElementsOf(factories);
  }

  private static Capabilities.Builder capabilities() {
    return Capabilities.builder().actions(Action.values());
  }

  private static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  private static String bytes(long value) {
    assertThat(value % (1 << 20)).isZero();
    return (value >> 20) + " MiB";
  }

  private static String time(Duration value) {
    long seconds = value.toSeconds();
    return seconds % 3600 == 0
        ? seconds / 3600 + " h"
        : seconds % 60 == 0 ? seconds / 60 + " min" : seconds + " s";
  }

  @Test
  void defaultsOfASyncAreThose() {
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("customers", "select 1 as id").key("id"))
            .to(Destination.of("test", batch -> Delivery.allAccepted()))
            .build();
    assertThat(sync.forgetAfter()).isNull();
    assertThat(sync.listeners()).isEmpty();
    assertThat(sync.mapping()).isNull();
    assertThat(sync.remembered()).isEmpty();
    assertThat(sync.guards()).isEmpty();
    assertThat(options("Sync"))
        .containsExactlyInAnyOrderEntriesOf(
            Map.ofEntries(
                Map.entry("model", "required"),
                Map.entry("to", "required"),
                Map.entry("mapping", "every column under its name"),
                Map.entry("remember", "none"),
                Map.entry("mode", sync.mode().name()),
                Map.entry("onRemoved", sync.removal().name()),
                Map.entry("batchRows", count(sync.batchRows())),
                Map.entry("lanes", count(sync.lanes())),
                Map.entry("callDeadline", time(sync.callDeadline())),
                Map.entry("retryFor", time(sync.retryFor())),
                Map.entry(
                    "quarantineAfter",
                    sync.quarantineAttempts() + " and " + time(sync.quarantineAge())),
                Map.entry(
                    "guardRemovals", sync.guardedRemovalShare() + " and " + sync.guardedRemovals()),
                Map.entry("onEmptyModel", sync.emptyModel().name()),
                Map.entry(
                    "guardChanges",
                    sync.guardedChangeShare() + " and " + count(sync.guardedChanges())),
                Map.entry("guardReturn", sync.guardedReturn().toDays() + " day"),
                Map.entry("guard", "none"),
                Map.entry("planExpiry", sync.planExpiry().toDays() + " days"),
                Map.entry("revision", Long.toString(sync.revision())),
                Map.entry(
                    "failFast", sync.failFastShare() + " and " + count(sync.failFastAfterRows())),
                Map.entry("maxRowBytes", bytes(sync.maxRowBytes())),
                Map.entry("forgetAfter", "never"),
                Map.entry("listener", "none")));
  }

  @Test
  void defaultsOfASourceAreThose() {
    Source source = Source.builder().host("h").database("d").user("u").build();
    assertThat(source.password()).isNull();
    assertThat(source.tlsRootCertificate()).isNull();
    assertThat(source.tlsClientCertificate()).isNull();
    assertThat(source.tlsClientKey()).isNull();
    assertThat(source.tlsKeyPassword()).isNull();
    assertThat(source.allowsWeakAuthentication()).isFalse();
    assertThat(source.requiresChannelBinding()).isFalse();
    assertThat(source.searchPath()).isEmpty();
    assertThat(source.hosts()).containsExactly("h:5432");
    assertThat(source.socketFactory()).isNull();
    assertThat(source.tunnel()).isNull();
    assertThat(options("Source"))
        .containsAllEntriesOf(
            Map.ofEntries(
                Map.entry("host", "required"),
                Map.entry("port", Integer.toString(source.port())),
                Map.entry("database", "required"),
                Map.entry("user", "required"),
                Map.entry("password", "none"),
                Map.entry("insecureTls", source.tls().name()),
                Map.entry("connectTimeout", time(source.connectTimeout())),
                Map.entry("socketTimeout", time(source.socketTimeout())),
                Map.entry("statementTimeout", time(source.statementTimeout())),
                Map.entry("lockTimeout", time(source.lockTimeout())),
                Map.entry("targetServer", source.targetServer().name()),
                Map.entry("planDeadline", time(source.planDeadline())),
                Map.entry("poolSize", count(source.poolSize())),
                Map.entry("socketFactory", "plain sockets"),
                Map.entry("tunnel", "none")));
  }

  @Test
  void defaultsOfTheEngineInPostgresqlAreThose() {
    LightningSettings settings = LightningSettings.DEFAULT;
    assertThat(settings.missingState()).isEqualTo(LightningSettings.MissingState.BEGIN);
    assertThat(settings.plan().volatileFunctions())
        .isEqualTo(PlanSettings.VolatileFunctions.REFUSED);
    assertThat(settings.logs()).isEqualTo(SyncLogs.off());
    assertThat(options("LightningEngine"))
        .containsEntry(
            "schemas", settings.schemas().planner() + " and " + settings.schemas().audit())
        .containsEntry("lease", settings.lease().toSeconds() + " s")
        .containsEntry("onTimelineChange", settings.onTimelineChange().name())
        .containsEntry("fullDiffEvery", time(settings.fullDiffEvery()))
        .containsEntry("planMemoryBytes", bytes(settings.plan().memoryBytes()))
        .containsEntry("planWorkers", count(settings.plan().workers()));
  }

  @Test
  void defaultsOfCapabilitiesAreThose() {
    Capabilities capabilities = capabilities().build();
    assertThat(capabilities.rate()).isNull();
    assertThat(capabilities.canClear()).isFalse();
    assertThat(options("Capabilities"))
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "actions",
                "required",
                "maxRows",
                count(capabilities.maxRows()),
                "maxBytes",
                bytes(capabilities.maxBytes()),
                "concurrency",
                count(capabilities.concurrency()),
                "rate",
                "none",
                "canClear",
                "it does not"));
  }

  @Test
  void defaultsOfAPostgresDestinationAreThose() {
    Capabilities capabilities =
        PostgresDestination.builder(Source.builder().host("h").database("d").user("u").build())
            .table("public", "t")
            .build()
            .capabilities();
    assertThat(capabilities.actions()).containsExactlyInAnyOrder(Action.values());
    assertThat(options("PostgresDestination"))
        .containsEntry("maxRows", count(capabilities.maxRows()))
        .containsEntry("maxBytes", bytes(capabilities.maxBytes()))
        .containsEntry("concurrency", count(capabilities.concurrency()));
  }

  @Test
  void defaultsOfAJsonLinesDestinationAreThose(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("x.jsonl");
    JsonLinesDestination destination = JsonLinesDestination.builder(file).build();
    Capabilities capabilities = destination.capabilities();
    assertThat(options("JsonLinesDestination"))
        .containsEntry("maxRows", count(capabilities.maxRows()))
        .containsEntry("maxBytes", bytes(capabilities.maxBytes()))
        .containsEntry("numbers", JsonNumbers.values()[0].name());
    assertThat(capabilities.actions()).containsExactlyInAnyOrder(Action.values());
    // Which fields a line has by default is in the example of one.
    String line = Readme.blocks("json").get(0);
    List<String> fields =
        Pattern.compile(", ")
            .splitAsStream(options("JsonLinesDestination").get("fields"))
            .map(field -> JsonLinesDestination.Field.valueOf(field).member())
            .toList();
    assertThat(line).containsSubsequence(fields.stream().map(f -> '"' + f + "\":").toList());
  }

  @Test
  void defaultsOfAnHttpDestinationAreThose() {
    Capabilities capabilities =
        HttpDestination.builder(URI.create("https://example.org"))
            .request(Action.UPSERT, "PUT", "x/{id}")
            .build()
            .capabilities();
    assertThat(capabilities.maxRows()).isEqualTo(1);
    assertThat(capabilities.rate()).isNull();
    assertThat(capabilities.canClear()).isFalse();
    assertThat(options("HttpDestination"))
        .containsEntry("concurrency", count(capabilities.concurrency()))
        .containsEntry("numbers", JsonNumbers.values()[0].name());
  }

  @Test
  void firstScreenFitsOne() {
    assertThat(Readme.text().lines().takeWhile(line -> !line.startsWith("## ")))
        .hasSizeLessThanOrEqualTo(45)
        .anyMatch(line -> line.contains("`mvn -q -Pquickstart verify`"))
        .anyMatch(line -> line.contains("`mvn verify`"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"README.md", ".github/CHANGELOG.md", ".github/CONTRIBUTING.md"})
  void linksLeadToFilesAndHeadings(String page) {
    List<String> links =
        Pattern.compile("\\]\\(([^)]+)\\)")
            .matcher(Readme.read(page))
            .results()
            .map(MatchResult::group)
            .map(link -> link.substring(2, link.length() - 1))
            .filter(link -> !link.startsWith("https://"))
            .toList();
    assertThat(links).isNotEmpty();
    for (String link : links) {
      if (link.startsWith("#")) {
        String heading = link.substring(1).replace('-', ' ');
        assertThat(Readme.read(page).lines().map(line -> line.toLowerCase(Locale.ROOT)))
            .as(link)
            .anyMatch(line -> line.matches("#+ " + heading));
      } else {
        Path folder = Readme.file(page).getParent();
        assertThat(Files.exists(folder.resolve(link))).as(link).isTrue();
      }
    }
  }

  @Test
  void dependenciesHaveTheVersionOfThisBuild() {
    String version = Readme.version();
    assertThat(
            Readme.blocks("xml").stream()
                .flatMap(block -> FULMAR_VERSION.matcher(block).results())
                .map(match -> match.group(1)))
        .isNotEmpty()
        .containsOnly(version);
  }

  @Test
  void whatTheTestkitNeedsToBeAddedIsNamed() {
    String section = Readme.text().replaceFirst("(?s)^.*\n## Testing\n", "");
    List<String> groups =
        Pattern.compile(
                "<groupId>([^<]+)</groupId>\\s*<artifactId>[^<]+</artifactId>\\s*<optional>")
            .matcher(Readme.read("testkit/pom.xml"))
            .results()
            .map(dependency -> dependency.group(1))
            .filter(group -> !group.equals("org.junit.platform")) // comes with Jupiter
            .toList();
    assertThat(groups)
        .hasSizeGreaterThan(3)
        .allSatisfy(group -> assertThat(section).contains("`" + group + ":"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"version.hikari", "version.postgresql", "version.slf4j"})
  void floorsAreThoseThatAreTested(String property) {
    String floors = Readme.read("pom.xml").replaceFirst("(?s)^.*<id>floors</id>", "");
    String version =
        Pattern.compile("<" + Pattern.quote(property) + ">([^<]+)<")
            .matcher(floors)
            .results()
            .findFirst()
            .orElseThrow()
            .group(1);
    String library =
        Map.of(
                "version.hikari",
                "HikariCP",
                "version.postgresql",
                "pgjdbc",
                "version.slf4j",
                "slf4j")
            .get(property);
    assertThat(Readme.text())
        .contains("| " + library + " | " + version.replaceFirst("\\.0$", "") + " or later |");
  }

  @Test
  void roleOfTheReadmeIsEnough(@TempDir Path state) throws Exception {
    try (TestPostgres postgres = TestPostgres.start()) {
      TestDatabase database = postgres.createDatabase();
      database.execute(
          "create table customer (id bigint primary key, email text)",
          "create table orders (id bigint primary key, customer bigint)",
          "insert into customer values (1, 'a'), (2, 'b')",
          "revoke all on schema public from public",
          "revoke all on database \"%s\" from public".formatted(database.name()));
      String sql = Readme.blocks("sql").get(0);
      assertThat(sql)
          .isEqualTo(Source.roleSql("fulmar", "shop", "public.customer", "public.orders"));
      database.execute(sql.replace("\"shop\"", "\"" + database.name() + "\""));
      Source source =
          Source.builder()
              .host(database.host())
              .port(database.port())
              .database(database.name())
              .user("fulmar")
              .withoutTls()
              .build();
      Model model =
          Model.query(
                  "customers",
                  """
                  select c.id, c.email, count(o.id) as orders
                  from customer c left join orders o on o.customer = c.id group by c.id
                  """)
              .key("id");
      Sync sync =
          Sync.builder("crm")
              .model(model)
              .to(Destination.of("test", batch -> Delivery.allAccepted()))
              .build();
      try (SyncEngine engine = StandardEngine.on(source, state)) {
        assertThat(engine.preview(model).rows()).hasSize(2);
        assertThat(engine.run(sync).throwIfFailed().total().accepted()).isEqualTo(2);
      }
    }
  }
}
