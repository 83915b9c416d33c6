package io.fulmar.internal.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
  }
}
