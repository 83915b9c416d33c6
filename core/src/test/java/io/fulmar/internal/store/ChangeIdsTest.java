package io.fulmar.internal.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Operation;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("P4, section 5a: change ids")
class ChangeIdsTest {
  private static final Version VERSION = new Version(3, 4);

  private static Version id(ChangeIds ids, byte[] key, Operation operation) {
    Version version = operation == Operation.REMOVED ? null : VERSION;
    return ids.of(key, 0, key.length, operation, version, 7);
  }

  /** The buffer grows with the keys, and is larger than the next key then. */
  @Test
  void idDoesNotDependOnTheKeysBefore() {
    ChangeIds ids = new ChangeIds("crm");
    Set<Version> all = new HashSet<>();
    for (int length : new int[] {0, 1, 30, 100, 230, 231, 232, 256, 257, 5_000, 20_000, 8}) {
      byte[] key = new byte[length];
      Arrays.fill(key, (byte) length);
      Version id = id(ids, key, Operation.ADDED);
      assertThat(id)
          .as("key of %s bytes", length)
          .isEqualTo(id(new ChangeIds("crm"), key, Operation.ADDED));
      assertThat(all.add(id)).as("key of %s bytes", length).isTrue();
    }
  }

  @Test
  void idIsOfKeyOperationVersionAndRun() {
    ChangeIds ids = new ChangeIds("crm");
    byte[] key = {0, 1, 2, 3};
    assertThat(
            Set.of(
                ids.of(key, 0, 4, Operation.ADDED, VERSION, 7),
                ids.of(key, 1, 3, Operation.ADDED, VERSION, 7),
                ids.of(key, 0, 3, Operation.ADDED, VERSION, 7),
                ids.of(key, 0, 4, Operation.CHANGED, VERSION, 7),
                ids.of(key, 0, 4, Operation.ADDED, new Version(4, 4), 7),
                ids.of(key, 0, 4, Operation.ADDED, new Version(3, 3), 7),
                ids.of(key, 0, 4, Operation.REMOVED, null, 7),
                ids.of(key, 0, 4, Operation.ADDED, VERSION, 8)))
        .hasSize(8);
  }

  @Test
  void idIsShownAsThirtyTwoHexadecimalDigits() {
    assertThat(ChangeIds.text(new Version(1, -2))).isEqualTo("0000000000000001fffffffffffffffe");
  }
}
