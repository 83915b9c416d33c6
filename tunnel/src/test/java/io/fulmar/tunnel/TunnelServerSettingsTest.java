package io.fulmar.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a tunnel server takes for a setting, and what it says of the rest; none of these listens.
 */
class TunnelServerSettingsTest {
  private static final String KEY = line("ssh-ed25519", new byte[32]);

  private static TunnelServer.Builder builder() {
    return TunnelServer.builder(Path.of("host_key"));
  }

  /** A line with the parts of a key, each with its length before it. */
  private static String line(String type, byte[]... parts) {
    ByteBuffer key = ByteBuffer.allocate(10_000);
    key.putInt(type.length()).put(type.getBytes(StandardCharsets.US_ASCII));
    for (byte[] part : parts) {
      key.putInt(part.length).put(part);
    }
    byte[] bytes = new byte[key.position()];
    key.flip().get(bytes);
    return type + " " + Base64.getEncoder().encodeToString(bytes);
  }

  private static String rsa(int bits) {
    byte[] modulus = new byte[bits / 8 + 1];
    modulus[1] = (byte) 0x80;
    return line("ssh-rsa", new byte[] {1, 0, 1}, modulus);
  }

  @Test
  void keysOfTheKindsThatAreLetInAreTaken() {
    builder()
        .accept("a", KEY + " somebody@somewhere of old", 1)
        .accept("b.c-d_1", line("ecdsa-sha2-nistp256", new byte[8], new byte[65]), 65_535)
        .accept("c", line("ecdsa-sha2-nistp384", new byte[8], new byte[97]), 2)
        .accept("d", line("ecdsa-sha2-nistp521", new byte[8], new byte[133]), 3)
        .accept("e", rsa(2_048), 4)
        .accept("f", rsa(16_384), 5);
  }

  @Test
  void otherKeysAreRefusedWithTheReason() {
    String forms = "publicKey is not a line of the form \"ssh-ed25519 AAAA... comment\".";
    refuses("", forms);
    refuses("ssh-ed25519", forms);
    refuses(KEY + "\n" + KEY, forms);
    String kinds =
        ", which is not ssh-ed25519, ecdsa-sha2-nistp256, -384, -521 or ssh-rsa; options as in"
            + " authorized_keys have no place here.";
    refuses("ssh-dss AAAA", "publicKey begins with \"ssh-dss\"" + kinds);
    refuses("restrict " + KEY, "publicKey begins with \"restrict\"" + kinds);
    refuses(
        "sk-ssh-ed25519@openssh.com AAAA",
        "publicKey begins with \"sk-ssh-ed25519@openssh.com\"" + kinds);
    refuses("ssh-rsa " + KEY.split(" ")[1], "publicKey names one kind of key and holds another.");
    refuses("ssh-ed25519 AAAA", "publicKey is cut off.");
    refuses("ssh-ed25519 !", "publicKey is cut off or damaged.");
    refuses(rsa(1_024), "publicKey is an RSA key of 1024 bits; 2048 to 16384 are let in.");
  }

  private static void refuses(String publicKey, String why) {
    assertThatThrownBy(() -> builder().accept("a", publicKey, 5_433))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(why);
  }

  @Test
  void keyHasOnePortAndPortHasOneKey() {
    TunnelServer.Builder builder = builder().accept("a", KEY, 5_433);
    assertThatThrownBy(() -> builder.accept("b", KEY, 5_434))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageMatching("The key SHA256:[A-Za-z0-9+/]{43} has port 5433 already\\.");
    assertThatThrownBy(() -> builder.accept("b", rsa(2_048), 5_433))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageMatching("Port 5433 belongs to the key SHA256:[A-Za-z0-9+/]{43} already\\.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-a", "a b", "a\n", "ä"})
  void usersHavePlainNames(String user) {
    assertThatThrownBy(() -> builder().accept(user, KEY, 5_433))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("user must be of 1 to 64 letters, digits, \"_\", \".\" and \"-\".");
  }

  @Test
  void numbersOutOfRangeAreRefusedWithTheirBounds() {
    refuses(() -> builder().accept("a", KEY, 0), "port must be 1 to 65535, is 0");
    refuses(() -> builder().port(-1), "port must be 0 to 65535, is -1");
    refuses(() -> builder().maxSessions(0), "maxSessions must be 1 to 10000, is 0");
    refuses(() -> builder().maxConnections(1_001), "maxConnections must be 1 to 1000, is 1001");
    refuses(
        () -> builder().keepAlive(Duration.ofMillis(999)),
        "keepAlive must be PT1S to PT10M, is PT0.999S");
    refuses(() -> builder().bindAddress(" "), "bindAddress is empty.");
  }

  private static void refuses(Runnable setting, String why) {
    assertThatThrownBy(setting::run).isInstanceOf(IllegalArgumentException.class).hasMessage(why);
  }

  @Test
  void serverThatWouldLetNobodyInDoesNotStart() {
    assertThatThrownBy(() -> builder().start())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("Cannot start the tunnel server: it would let nobody in. Call accept.");
  }

  @Test
  void missingLibraryIsNamed() throws Exception {
    List<URL> without = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (!entry.contains("sshd-osgi")) {
        without.add(Path.of(entry).toUri().toURL());
      }
    }
    try (URLClassLoader loader =
        new URLClassLoader(without.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
      Class<?> server = loader.loadClass(TunnelServer.class.getName());
      Object builder = server.getMethod("builder", Path.class).invoke(null, Path.of("host_key"));
      builder
          .getClass()
          .getMethod("accept", String.class, String.class, int.class)
          .invoke(builder, "a", KEY, 5_433);
      assertThatThrownBy(() -> builder.getClass().getMethod("start").invoke(builder))
          .cause()
          .isInstanceOf(IllegalStateException.class)
          .hasMessage(
              "Cannot start the tunnel server: Apache MINA SSHD is missing. Add the dependency"
                  + " org.apache.sshd:sshd-osgi.");
      assertThat(server).isNotEqualTo(TunnelServer.class);
    }
  }
}
