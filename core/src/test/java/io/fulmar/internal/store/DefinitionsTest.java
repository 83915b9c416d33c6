package io.fulmar.internal.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Definitions that come, go and come back. */
@DisplayName("P7: definitions are remembered with their times")
class DefinitionsTest {
  private static final Instant T = Instant.parse("2026-04-01T12:00:00Z");
  private static final Map<String, String> A = Map.of("query", "a", "mode", "m");
  private static final Map<String, String> B = Map.of("query", "b", "mode", "m");
  private static final Map<String, String> C = Map.of("query", "b", "mode", "n");

  private static final Model MODEL = Model.query("m", "select 1 as id, 2 as no").key("id");

  private static Instant at(int hours) {
    return T.plus(Duration.ofHours(hours));
  }

  @Test
  void firstDefinitionIsNoChange() {
    assertThat(Definitions.NONE.change(A)).isEqualTo(DefinitionChange.NONE);
    assertThat(DefinitionChange.NONE.isChanged()).isFalse();
  }

  @Test
  void changeNamesThePartsThatDiffer() {
    Definitions used = Definitions.NONE.used(A, at(0));
    assertThat(used.change(A)).isEqualTo(DefinitionChange.NONE);
    assertThat(used.change(B)).isEqualTo(new DefinitionChange(List.of("query"), null));
    assertThat(used.change(C).parts()).containsExactlyInAnyOrder("query", "mode");
  }

  @Test
  void definitionThatComesBackSaysWhenItWasUsed() {
    Definitions used = Definitions.NONE.used(A, at(0)).used(A, at(1)).used(B, at(2));
    assertThat(used.change(A)).isEqualTo(new DefinitionChange(List.of("query"), at(1)));
    Definitions again = used.used(A, at(3));
    assertThat(again.change(A)).isEqualTo(DefinitionChange.NONE);
    assertThat(again.change(B).usedBefore()).isEqualTo(at(2));
  }

  @Test
  void oldDefinitionsAreForgotten() {
    Definitions used = Definitions.NONE.used(A, at(0)).used(B, at(24 * 40));
    assertThat(used.change(A).usedBefore()).isNull();
    for (int i = 0; i < 100; i++) {
      used = used.used(Map.of("query", "" + i), at(24 * 40 + i));
    }
    assertThat(used.change(B).usedBefore()).isNull();
    assertThat(used.text().split(";")).hasSize(16);
  }

  @Test
  void textIsReadBack() {
    Definitions used = Definitions.NONE.used(A, at(0)).used(C, at(5));
    assertThat(Definitions.parse(used.text())).isEqualTo(used).hasSameHashCodeAs(used);
    assertThat(Definitions.parse("")).isEqualTo(Definitions.NONE);
    assertThat(Definitions.parse(used.text()).change(A).usedBefore()).isEqualTo(at(0));
    assertThatThrownBy(() -> Definitions.parse("2026-04-01T12:00:00Z nonsense"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a definition without a colon");
    assertThatThrownBy(() -> Definitions.parse("2026-04-01T12:00:00Z :nonsense"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a definition without a colon");
    Map<String, String> shortest = Map.of("q", "a");
    assertThat(Definitions.parse("2026-04-01T12:00:00Z q:a"))
        .isEqualTo(Definitions.NONE.used(shortest, T));
  }

  @Test
  void definitionsDifferByPartsTimesAndOrder() {
    Definitions used = Definitions.NONE.used(A, at(0)).used(B, at(1));
    assertThat(used)
        .isEqualTo(Definitions.NONE.used(A, at(0)).used(B, at(1)))
        .isNotEqualTo(Definitions.NONE)
        .isNotEqualTo(Definitions.NONE.used(A, at(0)).used(B, at(2)))
        .isNotEqualTo(Definitions.NONE.used(A, at(0)).used(C, at(1)))
        .isNotEqualTo(Definitions.NONE.used(B, at(1)).used(A, at(0)));
  }

  @Test
  @DisplayName("a definition is remembered for 32 days, more than a guard may look back")
  void definitionIsForgottenAfterThirtyTwoDays() {
    Definitions used = Definitions.NONE.used(A, at(0));
    assertThat(used.used(B, at(24 * 32)).change(A).usedBefore()).isEqualTo(at(0));
    assertThat(used.used(B, at(24 * 32).plusMillis(1)).change(A).usedBefore()).isNull();
  }

  @Test
  void sixteenDefinitionsAreRemembered() {
    Definitions used = Definitions.NONE.used(A, at(0));
    for (int i = 1; i < 16; i++) {
      used = used.used(Map.of("query", "" + i), at(i));
    }
    assertThat(used.change(A).usedBefore()).isEqualTo(at(0));
    used = used.used(Map.of("query", "16"), at(16));
    assertThat(used.change(A).usedBefore()).isNull();
    assertThat(used.change(Map.of("query", "1")).usedBefore()).isEqualTo(at(1));
  }

  // ---------------------------------------------------------------------------- of a sync

  private static Sync.Builder sync(Model model) {
    return Sync.builder("crm")
        .model(model)
        .to(Destination.of("d", batch -> Delivery.allAccepted()));
  }

  private static List<String> changed(
      Map<String, String> from, Sync.Builder sync, String columns, String mapping) {
    return Definitions.NONE
        .used(from, T)
        .change(Definitions.definition(sync.build(), columns, mapping))
        .parts();
  }

  private static List<String> changed(Model from, Model to) {
    Map<String, String> before = Definitions.definition(sync(from).build(), "c", "m");
    return changed(before, sync(to), "c", "m");
  }

  @Test
  @DisplayName("P7: every part of a definition is seen to change, and named, one by one")
  void everyPartOfADefinitionCounts() {
    Map<String, String> before = Definitions.definition(sync(MODEL).build(), "c", "m");
    assertThat(before.keySet())
        .containsExactly("query", "key", "columns", "settings", "mapping", "mode", "removal");
    assertThat(changed(before, sync(MODEL), "c", "m")).isEmpty();
    Model otherText = Model.query("m", "select 1 as id, 3 as no").key("id");
    assertThat(changed(before, sync(otherText), "c", "m")).containsExactly("query");
    Model otherKey = Model.query("m", "select 1 as id, 2 as no").key("id", "no");
    assertThat(changed(before, sync(otherKey), "c", "m")).containsExactly("key");
    assertThat(changed(before, sync(MODEL), "other", "m")).containsExactly("columns");
    assertThat(changed(before, sync(MODEL.setting("app.region", "eu")), "c", "m"))
        .containsExactly("settings");
    assertThat(changed(before, sync(MODEL), "c", "other")).containsExactly("mapping");
    assertThat(changed(before, sync(MODEL).mode(SyncMode.ALL), "c", "m")).containsExactly("mode");
    assertThat(changed(before, sync(MODEL).onRemoved(Removal.DELETE), "c", "m"))
        .containsExactly("removal");
  }

  @Test
  @DisplayName("a new version of Fulmar sees the definitions of older ones as the same")
  void definitionIsHashedAlikeInEveryVersion() {
    Model model = MODEL.setting("app.region", "eu").setting("app.tenant", "7");
    Sync.Builder sync = sync(model).mode(SyncMode.UPSERT).onRemoved(Removal.DELETE);
    assertThat(Definitions.definition(sync.build(), "c", "m"))
        .isEqualTo(
            Map.of(
                "query", "5f98943689a9a09f",
                "key", "4ce197065112922c",
                "columns", "4ed00dcf6d58e981",
                "settings", "71f0aa79d8ba5b3d",
                "mapping", "47dcf722164ff2d0",
                "mode", "505c771e12cfe668",
                "removal", "b81c2e66d94fdea3"));
    assertThat(Definitions.definition(sync(MODEL).build(), "c", "m"))
        .containsEntry("settings", "64bf9fd25e74bace");
    assertThat(Definitions.definition(sync(MODEL.allowRowSecurity()).build(), "c", "m"))
        .containsEntry("settings", "79d0defb1b26ea48");
  }

  @Test
  @DisplayName(
      "P7: a setting of the model that has another value, or is none, is another definition")
  void settingsOfTheModelAreToldApart() {
    Model eu = MODEL.setting("app.region", "eu");
    assertThat(changed(eu, MODEL)).containsExactly("settings");
    assertThat(changed(eu, MODEL.setting("app.region", "us"))).containsExactly("settings");
    assertThat(changed(eu, MODEL.setting("app.area", "eu"))).containsExactly("settings");
    assertThat(changed(eu, eu.setting("app.tenant", "7"))).containsExactly("settings");
    assertThat(changed(eu, MODEL.setting("app.region", "eu"))).isEmpty();
    assertThat(changed(MODEL, MODEL.allowRowSecurity())).containsExactly("settings");
    assertThat(changed(MODEL.allowRowSecurity(), MODEL)).containsExactly("settings");
    assertThat(changed(eu.allowRowSecurity(), MODEL.allowRowSecurity().setting("app.region", "eu")))
        .isEmpty();
  }
}
