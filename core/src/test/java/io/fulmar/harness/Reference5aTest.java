package io.fulmar.harness;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.HoldKind;
import io.fulmar.Removal;
import io.fulmar.SyncMode;
import io.fulmar.harness.Reference5a.Held;
import io.fulmar.harness.Reference5a.Remembered;
import io.fulmar.harness.Reference5a.Settings;
import io.fulmar.harness.Reference5a.Step;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The row of section 5a that no rule of the library sees, because ambiguous keys never reach them:
 * W = ?. Whatever is remembered of such a key is the fixture.
 */
@DisplayName("P8, section 5a, first table: ? | any | any: nothing; invalid")
class Reference5aTest {
  private static final long NOW = 1_000_000;

  @ParameterizedTest(name = "removal {0}")
  @EnumSource(Removal.class)
  void ambiguousKeyPlansNothingAndStaysAsItWas(Removal removal) {
    for (SyncMode mode : SyncMode.values()) {
      Reference5a reference = new Reference5a(new Settings(mode, removal, false, 10, 0, 0));
      for (Remembered memory : memories()) {
        Step step = reference.plan(Reference5a.AMBIGUOUS, memory);

        assertThat(step.operation()).isNull();
        assertThat(step.held()).isFalse();
        assertThat(reference.fold(memory, step, null, List.of(), 0, NOW)).isEqualTo(memory);
      }
    }
  }

  @Test
  void theSameKeyPlansSomethingOnceItIsUnambiguous() {
    Reference5a reference =
        new Reference5a(new Settings(SyncMode.UPSERT, Removal.DELETE, false, 10, 0, 0));

    assertThat(memories())
        .allSatisfy(memory -> assertThat(reference.plan("z", memory).operation()).isNotNull());
  }

  private static List<Remembered> memories() {
    List<Remembered> memories = new ArrayList<>();
    for (String accepted : new String[] {null, "a"}) {
      memories.add(new Remembered(accepted, 0, null, 0));
      for (HoldKind kind : HoldKind.values()) {
        for (String version : new String[] {null, "a", "b"}) {
          Held held = new Held(version, kind, 2, NOW - 10, "id", kind == HoldKind.OPEN);
          memories.add(new Remembered(accepted, 0, held, NOW + 5));
          if (accepted != null) {
            memories.add(new Remembered(accepted, NOW - 5, held, 0));
          }
        }
      }
    }
    return memories;
  }
}
