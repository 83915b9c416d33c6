package io.fulmar.internal.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.HoldKind;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What counts as remembered. */
class MemoryTest {
  private static final Version A = new Version(1, 1);
  private static final Hold HOLD = new Hold(A, HoldKind.OPEN, 0, 0, null, true, null);

  @Test
  @DisplayName("a key is dropped only if nothing is accepted, held, or may still act")
  void memoryIsEmptyIfNothingIsRemembered() {
    assertThat(Memory.NONE.isEmpty()).isTrue();
    assertThat(new Memory(A, 0, null, 0).isEmpty()).isFalse();
    assertThat(new Memory(A, 5, null, 0).isEmpty()).isFalse();
    assertThat(new Memory(null, 0, HOLD, 0).isEmpty()).isFalse();
    assertThat(new Memory(null, 0, null, 1).isEmpty()).isFalse();
  }

  @Test
  void keyIsGoneSinceAMoment() {
    assertThat(new Memory(A, 0, null, 0).gone()).isFalse();
    assertThat(new Memory(A, 1, null, 0).gone()).isTrue();
  }

  @Test
  void anotherHoldLeavesTheRest() {
    assertThat(new Memory(A, 5, null, 7).withHold(HOLD)).isEqualTo(new Memory(A, 5, HOLD, 7));
    assertThat(new Memory(A, 5, HOLD, 7).withHold(null)).isEqualTo(new Memory(A, 5, null, 7));
  }
}
