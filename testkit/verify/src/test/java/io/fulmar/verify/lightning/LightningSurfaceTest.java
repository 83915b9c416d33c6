package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Model;
import io.fulmar.RunOptions;
import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.harness.PublicSurface;
import io.fulmar.harness.SurfaceContract;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.LightningSetup;
import io.fulmar.lightning.SyncLogs;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * The surface of Lightning, and of every engine on a Lightning engine over a server that is not
 * there.
 */
@DisplayName("S-07: whatever a public method is given, it works or says what is wrong with what")
class LightningSurfaceTest extends SurfaceContract {
  /** Without a password, no time goes into dialling a server that is not there. */
  private static final Source NOWHERE = source().build();

  private static final Destination DESTINATION =
      Destination.of("test:nowhere", batch -> Delivery.allAccepted());
  private static final Model MODEL = Model.query("rows", "select 1 as k").key("k");
  private static final PublicSurface SURFACE =
      PublicSurface.of(LightningEngine.class, () -> LightningEngine.on(NOWHERE))
          .packageOf(LightningEngine.class)
          .inherited(SyncEngine.class)
          .builder(LightningEngine.Builder.class, () -> LightningEngine.builder(NOWHERE))
          .builder(SyncLogs.Builder.class, SyncLogs::builder)
          .argument("LightningEngine.schemas", 1, "audit")
          .notShown(
              "LightningEngine.schemas",
              "LightningEngine.lease",
              "LightningEngine.onTimelineChange",
              "LightningEngine.fullDiffEvery",
              "LightningEngine.planMemoryBytes",
              "LightningEngine.planWorkers",
              "LightningEngine.logs",
              "LightningEngine.threads",
              "LightningEngine.context",
              "LightningEngine.grace",
              "LightningEngine.checkTimeout",
              "LightningEngine.clock",
              "LightningEngine.steps")
          .sample(LightningSetup.class, LightningSetup.of("fulmar"))
          .sample(SyncLogs.class, SyncLogs.off())
          .sample(Source.class, NOWHERE)
          .sample(Sync.class, Sync.builder("crm").model(MODEL).to(DESTINATION).build())
          .sample(Model.class, MODEL)
          .sample(Destination.class, DESTINATION)
          .sample(RunOptions.class, RunOptions.defaults());

  LightningSurfaceTest() {
    super(SURFACE);
  }

  private static Source.Builder source() {
    return Source.builder()
        .host("127.0.0.1")
        .port(1)
        .database("shop")
        .user("fulmar")
        .withoutTls()
        .password(Secret.ofEnv("FULMAR_TEST_IS_NOT_SET"))
        .connectTimeout(Duration.ofMillis(100));
  }

  @Test
  void theScanFindsWhatIsPublic() {
    assertThat(SURFACE.exported())
        .contains(LightningEngine.Builder.class, LightningSetup.class, SyncLogs.Table.class);
    assertThat(SURFACE.callables())
        .extracting(PublicSurface.Callable::toString)
        .contains(
            "LightningEngine.lease[Duration]",
            "LightningEngine.logs[String, SyncLogs]",
            "LightningEngine.moveIn[Sync, Path]",
            "LightningSetup.schemas[String, String]",
            "SyncEngine.explain[Sync, Object, Object[]]",
            "SyncLogs.tables[Table, Table[]]");
  }

  @Test
  void schemasAreTwoNamesThatDiffer() {
    for (UnaryOperator<String> say :
        List.<UnaryOperator<String>>of(
            name -> LightningSetup.of("fulmar").schemas(name, "audit").setupSql(),
            name -> LightningEngine.builder(NOWHERE).schemas(name, "audit").toString())) {
      assertThat(say.apply("x".repeat(63))).isNotBlank();
      assertRefused(
          say, "", "planner schema must be 1 to 63 bytes without the character 0, is 0 bytes");
      assertRefused(
          say,
          "x".repeat(64),
          "planner schema must be 1 to 63 bytes without the character 0, is 64 bytes");
      assertRefused(
          say, "a\0b", "planner schema must be 1 to 63 bytes without the character 0, is 3 bytes");
      assertRefused(
          say, "audit", "planner and audit schema must differ, both are given as the same");
    }
  }

  private static void assertRefused(UnaryOperator<String> say, String name, String message) {
    assertThatThrownBy(() -> say.apply(name))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void settingsThatExcludeEachOtherAreRefused() {
    assertThatThrownBy(() -> LightningEngine.on(source().poolSize(1).build()))
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("poolSize of the source must be 2 at least, is 1");
    LightningSetup setup = LightningSetup.of("fulmar");
    String exclude =
        "ownedByRole() and existingSchemas() exclude each other: the role owns what is made for it";
    assertThatThrownBy(() -> setup.ownedByRole().existingSchemas())
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage(exclude);
    assertThatThrownBy(() -> setup.existingSchemas().ownedByRole())
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage(exclude);
  }

  @Test
  void whatWasBuiltStaysWhenItsBuilderGoesOn() {
    SyncLogs.Builder logs = SyncLogs.builder().fields("email", "plan");
    SyncLogs first = logs.build();
    SyncLogs second = logs.allFields().tables(SyncLogs.Table.RUNS).build();
    assertThat(first.columns()).containsExactly("email", "plan");
    assertThat(first.tables()).containsExactlyInAnyOrder(SyncLogs.Table.values());
    assertThat(second.fields()).isEqualTo(SyncLogs.Fields.ALL);
    assertThat(second.columns()).isEmpty();
    assertThat(second.tables()).containsExactly(SyncLogs.Table.RUNS);

    LightningSetup setup = LightningSetup.of("fulmar");
    String sql = setup.setupSql();
    assertThat(setup.schemas("a", "b").setupSql()).contains("\"a\"").isNotEqualTo(sql);
    assertThat(setup.ownedByRole().setupSql()).isNotEqualTo(sql);
    assertThat(setup.setupSql()).isEqualTo(sql);
  }
}
