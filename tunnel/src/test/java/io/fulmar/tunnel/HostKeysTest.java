package io.fulmar.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.TunnelException;
import io.fulmar.tunnel.internal.keys.HostKeyCheck;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Host keys that ssh-keygen made, against known_hosts files and fingerprints. The right key passes;
 * each wrong one is refused with what was expected, what came, and what to do.
 */
class HostKeysTest {
  private static final String ASK_AND_ADD =
      "Compare the fingerprint with what its administrator gives (on the server: ssh-keygen -lf"
          + " /etc/ssh/ssh_host_ed25519_key.pub). If it is the same, add the line: ";
  private static final String ASK_AND_REPLACE =
      "Somebody may be in between, or the server has a new key. Ask its administrator for the"
          + " fingerprint (on the server: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub). Only if"
          + " it is the one that came, replace the line by: ";

  @TempDir Path folder;
  private SshKeygen keygen;
  private Path key;
  private Path other;
  private String line;
  private String otherLine;

  @BeforeEach
  void makeKeys() {
    keygen = new SshKeygen(folder);
    key = keygen.make("-t", "ed25519");
    other = keygen.make("-t", "ed25519");
    line = SshKeygen.publicLine(key);
    otherLine = SshKeygen.publicLine(other);
  }

  @ParameterizedTest
  @DisplayName("T-08: The right key passes, in each way of naming a host")
  @CsvSource(
      delimiter = ';',
      value = {
        "bastion; 22; bastion",
        "BASTION; 22; bastion",
        "bastion; 22; BASTION",
        "bastion; 22; alpha,bastion,omega",
        "bastion.internal; 22; *.internal",
        "bastion1; 22; bastion?",
        "bastion; 2222; [bastion]:2222",
        "bastion; 2222; [*]:2222",
        "bastion; 2222; bastion",
        "::1; 22; ::1",
        "::1; 2222; [::1]:2222",
        "bastion; 22; *,!other"
      })
  void rightKeyPasses(String host, int port, String hosts) {
    assertThat(refusal(HostKeys.knownHostsText(hosts + " " + line), host, port, line)).isNull();
  }

  @ParameterizedTest
  @DisplayName("T-08: A host that no line is about is unknown, and the line to add is shown")
  @CsvSource(
      delimiter = ';',
      value = {
        "bastion; 22; bastion2",
        "bastion; 22; [bastion]:2222",
        "bastion; 22; *,!bastion",
        "bastion; 22; !bastion,*",
        "bastion; 22; !other",
        "bastion; 2222; [bastion]:2223"
      })
  void unknownHostIsRefused(String host, int port, String hosts) {
    String name = port == 22 ? host : "[%s]:%d".formatted(host, port);

    assertThat(refusal(HostKeys.knownHostsText(hosts + " " + line), host, port, line))
        .isEqualTo(
            "Cannot connect to %s:%d: its host key is not known: the given known hosts has no key of"
                    .formatted(host, port)
                + " %s, got ssh-ed25519 %s. %s%1$s %s"
                    .formatted(name, keygen.fingerprint(key), ASK_AND_ADD, line));
  }

  @Test
  @DisplayName("T-08: A changed key is refused, with both fingerprints, file and line")
  void changedKeyIsRefused() throws IOException {
    Path file = folder.resolve("known_hosts");
    Files.writeString(file, "# ours\n\nbastion " + line + " a comment\n");

    assertThat(refusal(HostKeys.knownHosts(file), "bastion", 22, otherLine))
        .isEqualTo(
            "Cannot connect to bastion:22: its host key is not the known one: expected ssh-ed25519 "
                + "%s (%s, line 3), got ssh-ed25519 %s. %sbastion %s"
                    .formatted(
                        keygen.fingerprint(key),
                        file,
                        keygen.fingerprint(other),
                        ASK_AND_REPLACE,
                        otherLine));
  }

  @Test
  @DisplayName("T-08: A key of another type than the known one is refused, also on first use")
  void otherTypeIsRefused() throws IOException {
    Path file = folder.resolve("known_hosts");
    Files.writeString(file, "bastion " + line + "\n");
    Path ecdsa = keygen.make("-t", "ecdsa");
    String message =
        "Cannot connect to bastion:22: its host key is not the known one: expected ssh-ed25519 "
            + "%s (%s, line 1), got ecdsa-sha2-nistp256 %s. %sbastion %s"
                .formatted(
                    keygen.fingerprint(key),
                    file,
                    keygen.fingerprint(ecdsa),
                    ASK_AND_REPLACE,
                    SshKeygen.publicLine(ecdsa));

    assertThat(refusal(HostKeys.knownHosts(file), "bastion", 22, SshKeygen.publicLine(ecdsa)))
        .isEqualTo(message);
    assertThat(refusal(HostKeys.trustOnFirstUse(file), "bastion", 22, SshKeygen.publicLine(ecdsa)))
        .isEqualTo(message);
  }

  @Test
  @DisplayName("T-08: A line whose key type is not supported is left alone, but its host is known")
  void unknownTypeIsLeftAlone() throws IOException {
    Path file = folder.resolve("known_hosts");
    Files.writeString(file, "bastion ssh-future AAAA\nother " + line + "\n");

    assertThat(refusal(HostKeys.knownHosts(file), "other", 22, line)).isNull();
    assertThat(refusal(HostKeys.trustOnFirstUse(file), "bastion", 22, line))
        .isEqualTo(
            "Cannot connect to bastion:22: its host key is not the known one: expected ssh-future"
                + " (%s, line 1), got ssh-ed25519 %s. %sbastion %s"
                    .formatted(file, keygen.fingerprint(key), ASK_AND_REPLACE, line));
  }

  @ParameterizedTest
  @DisplayName("T-08: A malformed line is an error that names it")
  @CsvSource(
      delimiter = ';',
      value = {
        "bastion; it does not have hosts, key type and key",
        "bastion ssh-ed25519; it does not have hosts, key type and key",
        "bastion ssh-ed25519 AAA*; its key is not base64",
        "bastion ssh-ed25519 AAAA; its key is cut off or damaged",
        "bastion ssh-rsa KEY; its key is not of the type that it names",
        "@trusted bastion ssh-ed25519 KEY; its marker is neither @cert-authority nor @revoked",
        "@revoked ssh-ed25519 KEY; it does not have hosts, key type and key",
        "|1|AAAA ssh-ed25519 KEY; its hashed host is not of the form |1|salt|hash",
        "|2|AAAA|AAAA ssh-ed25519 KEY; its hashed host is not of the form |1|salt|hash",
        "|1|AA*A|AAAA ssh-ed25519 KEY; its hashed host is not base64",
        "|1|AAAA|AAAA ssh-ed25519 KEY; salt and hash of its hashed host are not 20 bytes long"
      })
  void malformedLineIsAnError(String malformed, String fact) throws IOException {
    Path file = folder.resolve("known_hosts");
    String text =
        "# first\nbastion %s\n%s\n".formatted(line, malformed.replace("KEY", line.split(" ")[1]));
    Files.writeString(file, text);

    assertThatThrownBy(() -> HostKeys.knownHosts(file).policy().check())
        .isExactlyInstanceOf(TunnelException.class)
        .hasMessage(
            "Cannot read %s: line 3 is malformed: %s. Correct or remove the line."
                .formatted(file, fact));
    assertThatThrownBy(() -> HostKeys.knownHostsText(text))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Cannot read the given known hosts: line 3 is malformed: %s. Correct or remove the line."
                .formatted(fact));
  }

  @Test
  @DisplayName("T-08: A file that is missing, and a folder, are errors with the remedy")
  void missingFileIsAnError() {
    Path file = folder.resolve("known_hosts");

    assertThatThrownBy(() -> HostKeys.knownHosts(file).policy().check())
        .isExactlyInstanceOf(TunnelException.class)
        .hasMessage(
            "Cannot read %s: there is no such file. Write the host keys of the SSH server to it with"
                    .formatted(file)
                + " ssh-keyscan -p 22 bastion >> %s and compare ssh-keygen -lf %<s with the"
                    .formatted(file)
                + " fingerprints that its administrator gives, or pin a fingerprint with"
                + " HostKeys.fingerprint(...).");
    assertThatThrownBy(() -> HostKeys.knownHosts(folder).policy().check())
        .isExactlyInstanceOf(TunnelException.class)
        .hasMessage("Cannot read %s: it is a directory. Name the known_hosts file in it.", folder);
  }

  @Test
  @DisplayName("T-08: Hosts that ssh-keygen has hashed are found, with and without a port")
  void hashedHostsAreFound() throws IOException {
    Path file = folder.resolve("known_hosts");
    Files.writeString(file, "bastion %s\n[bastion]:2222 %s\n".formatted(line, otherLine));
    keygen.run("-H", "-f", file.toString());
    assertThat(Files.readString(file)).startsWith("|1|").doesNotContain("bastion");
    HostKeys keys = HostKeys.knownHosts(file);

    assertThat(refusal(keys, "Bastion", 22, line)).isNull();
    assertThat(refusal(keys, "bastion", 2222, otherLine)).isNull();
    assertThat(refusal(keys, "bastion", 22, otherLine))
        .startsWith("Cannot connect to bastion:22: its host key is not the known one: expected");
    assertThat(refusal(keys, "bastion2", 22, line))
        .startsWith("Cannot connect to bastion2:22: its host key is not known");
  }

  @Test
  @DisplayName("T-08: A revoked key is refused, whatever else the file says")
  void revokedKeyIsRefused() {
    String text = "bastion %s\n@revoked * %1$s\n".formatted(line);

    assertThat(refusal(HostKeys.knownHostsText(text), "bastion", 22, line))
        .isEqualTo(
            "Cannot connect to bastion:22: its host key ssh-ed25519 %s is revoked (the given known"
                    .formatted(keygen.fingerprint(key))
                + " hosts, line 2). Give the server a new host key, and take its fingerprint into"
                + " the known hosts.");
  }

  @Test
  @DisplayName("T-08: A revoked key is refused on first use, too, and on every port of its host")
  void revokedKeyIsRefusedOnFirstUse() throws IOException {
    Path file = folder.resolve("known_hosts");
    String text = "@revoked bastion %s\n[bastion]:2222 %1$s\n".formatted(line);
    Files.writeString(file, text);

    assertThat(refusal(HostKeys.trustOnFirstUse(file), "bastion", 22, line))
        .contains(" is revoked (%s, line 1). ".formatted(file));
    assertThat(refusal(HostKeys.trustOnFirstUse(file), "bastion", 2222, line))
        .contains(" is revoked (%s, line 1). ".formatted(file));
    assertThat(refusal(HostKeys.trustOnFirstUse(file), "bastion", 2223, line))
        .contains(" is revoked (%s, line 1). ".formatted(file));
    assertThat(file).content().isEqualTo(text);
  }

  @Test
  @DisplayName("T-08: RSA host keys of fewer than 2048 bits are refused, though they are known")
  void smallRsaIsRefused() {
    Path small = keygen.make("-t", "rsa", "-b", "1024");
    String smallLine = SshKeygen.publicLine(small);
    String message =
        "Cannot connect to bastion:22: its host key ssh-rsa %s has 1024 bits, and fewer than 2048"
                .formatted(keygen.fingerprint(small))
            + " are not accepted. Give the server an Ed25519 host key: ssh-keygen -A makes it.";

    assertThat(refusal(HostKeys.knownHostsText("bastion " + smallLine), "bastion", 22, smallLine))
        .isEqualTo(message);
    assertThat(refusal(HostKeys.fingerprint(keygen.fingerprint(small)), "bastion", 22, smallLine))
        .isEqualTo(message);
  }

  @Test
  @DisplayName("T-08: A pinned fingerprint passes, and another is refused with both shown")
  void fingerprintIsPinned() {
    HostKeys keys = HostKeys.fingerprint(keygen.fingerprint(key));
    HostKeys both = HostKeys.fingerprint(keygen.fingerprint(key) + "=", keygen.fingerprint(other));

    assertThat(refusal(keys, "bastion", 22, line)).isNull();
    assertThat(refusal(both, "bastion", 22, line)).isNull();
    assertThat(refusal(both, "bastion", 22, otherLine)).isNull();
    assertThat(refusal(keys, "bastion", 22, otherLine))
        .isEqualTo(
            "Cannot connect to bastion:22: its host key is not the pinned one: expected %s, got"
                    .formatted(keygen.fingerprint(key))
                + " ssh-ed25519 %s. Somebody may be in between, the server may have new keys, or the"
                    .formatted(keygen.fingerprint(other))
                + " fingerprint is that of a key of another type. Ask the administrator of the"
                + " server for all its fingerprints and pin those: ssh-keygen -lf"
                + " /etc/ssh/ssh_host_ed25519_key.pub.");
  }

  @ParameterizedTest
  @DisplayName("T-08: What is no SHA-256 fingerprint is refused at once")
  @ValueSource(
      strings = {
        "",
        "SHA256:",
        "SHA256:AAAA",
        "SHA256:***",
        "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48",
        "sha256:uNiVztksCsDhcc0u9e8BrJXL1EQ3mbY1LGk4wYFmpBg"
      })
  void badFingerprintIsRefused(String text) {
    assertThatThrownBy(() -> HostKeys.fingerprint(text))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "fingerprint must be SHA256: and 43 characters of base64, as ssh-keygen -lf"
                + " /etc/ssh/ssh_host_ed25519_key.pub shows it on the server, is "
                + text);
  }

  @Test
  @DisplayName("T-08: On first use the key is taken in, after that no other is")
  void firstUseIsRemembered() throws IOException {
    Path file = folder.resolve("new").resolve("known_hosts");
    HostKeys keys = HostKeys.trustOnFirstUse(file);

    assertThat(refusal(keys, "bastion", 22, line)).isNull();
    assertThat(refusal(keys, "bastion", 2222, otherLine)).isNull();
    assertThat(Files.readString(file))
        .isEqualTo("bastion %s\n[bastion]:2222 %s\n".formatted(line, otherLine));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertThat(refusal(keys, "bastion", 22, line)).isNull();
    assertThat(refusal(keys, "bastion", 22, otherLine))
        .startsWith("Cannot connect to bastion:22: its host key is not the known one: expected");
    assertThat(refusal(HostKeys.knownHosts(file), "bastion", 2222, otherLine)).isNull();
  }

  @Test
  @DisplayName("T-08: On first use a file that does not end with a line end stays well-formed")
  void lineIsNotGluedToAnother() throws IOException {
    Path file = folder.resolve("known_hosts");
    Files.writeString(file, "alpha " + line);

    assertThat(refusal(HostKeys.trustOnFirstUse(file), "bastion", 22, otherLine)).isNull();
    assertThat(Files.readString(file))
        .isEqualTo("alpha %s\nbastion %s\n".formatted(line, otherLine));
  }

  @Test
  @DisplayName("T-08: Of many first uses at once one decides, and the file stays whole")
  void firstUsesAtOnceAgree() throws Exception {
    Path file = folder.resolve("known_hosts");
    int threads = 12;
    CyclicBarrier start = new CyclicBarrier(threads);
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    try {
      List<Future<String>> results = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        String shown = i % 2 == 0 ? line : otherLine;
        Callable<String> use =
            () -> {
              HostKeyCheck check = HostKeys.trustOnFirstUse(file).policy().check();
              start.await();
              return check.verify("bastion", 22, SshKeygen.publicKey(shown))
                  ? "accepted " + shown
                  : "refused";
            };
        results.add(executor.submit(use));
      }
      List<String> outcomes = new ArrayList<>();
      for (Future<String> result : results) {
        outcomes.add(result.get());
      }

      String winner = Files.readString(file).strip().substring("bastion ".length());
      assertThat(winner).isIn(line, otherLine);
      assertThat(outcomes).containsOnly("accepted " + winner, "refused");
      assertThat(outcomes.stream().filter("refused"::equals)).hasSize(threads / 2);
    } finally {
      executor.shutdownNow();
    }
  }

  @Test
  @DisplayName("T-08: On first use a key that cannot be stored is refused")
  void unstorableKeyIsRefused() throws IOException {
    Path unmounted = folder.resolve("volume").resolve("known_hosts");
    Path file = Files.createSymbolicLink(folder.resolve("known_hosts"), unmounted);

    assertThat(refusal(HostKeys.trustOnFirstUse(file), "bastion", 22, line))
        .isEqualTo(
            "Cannot connect to bastion:22: its host key is new and could not be written to %s. Let"
                    .formatted(file)
                + " the user that runs this application write the file, or add the line: bastion "
                + line);
  }

  @Test
  @DisplayName("T-08: A file that cannot be read is an error, also on first use")
  void unreadableFileIsAnError() throws IOException {
    Path blocked = Files.createFile(folder.resolve("blocked")).resolve("known_hosts");

    assertThatThrownBy(() -> HostKeys.trustOnFirstUse(blocked).policy().check())
        .isExactlyInstanceOf(TunnelException.class)
        .hasMessage(
            "Cannot read %s: the file cannot be read. Let the user that runs this application read"
                + " it.",
            blocked);
  }

  @Test
  @DisplayName("T-08: A host certificate passes if an authority of the file signed it for the host")
  void hostCertificateIsChecked() {
    Path authority = keygen.make("-t", "ed25519");
    HostKeys keys =
        HostKeys.knownHostsText("@cert-authority *.internal " + SshKeygen.publicLine(authority));
    String place =
        "Cannot connect to db.internal:22: its host certificate, of the authority ssh-ed25519 %s"
                .formatted(keygen.fingerprint(authority))
            + " (the given known hosts, line 1), ";
    String remedy =
        ". Let the authority sign the host key anew: ssh-keygen -s ca_key -I db.internal -h -n"
            + " db.internal -V +52w /etc/ssh/ssh_host_ed25519_key.pub.";

    assertThat(refusal(keys, "db.internal", 22, signed(authority, "-h", "-n", "db.internal")))
        .isNull();
    assertThat(refusal(keys, "db.internal", 22, signed(authority, "-h", "-n", "x.internal")))
        .isEqualTo(place + "is for other hosts: x.internal" + remedy);
    assertThat(refusal(keys, "db.internal", 22, signed(authority, "-h")))
        .isEqualTo(place + "names no host" + remedy);
    assertThat(refusal(keys, "db.internal", 22, signed(authority, "-n", "db.internal")))
        .isEqualTo(place + "is one for users" + remedy);
    assertThat(
            refusal(
                keys,
                "db.internal",
                22,
                signed(
                    authority, "-h", "-n", "db.internal", "-V", "20200101000000Z:20200201000000Z")))
        .isEqualTo(place + "is not valid since 2020-02-01T00:00:00Z" + remedy);
    assertThat(
            refusal(
                keys,
                "db.internal",
                22,
                signed(
                    authority, "-h", "-n", "db.internal", "-V", "29990101000000Z:29990201000000Z")))
        .isEqualTo(place + "is not valid before 2999-01-01T00:00:00Z" + remedy);
    assertThat(refusal(keys, "db.internal", 22, signed(other, "-h", "-n", "db.internal")))
        .isEqualTo(
            "Cannot connect to db.internal:22: its host key is not known: the given known hosts has"
                + " no key of db.internal and no certificate of the authority that stands for it"
                + " came, got ssh-ed25519 %s. %sdb.internal %s"
                    .formatted(keygen.fingerprint(key), ASK_AND_ADD, line));
  }

  @Test
  @DisplayName("T-08: A host certificate of a revoked authority, or of a revoked key, is refused")
  void certificateOfRevokedAuthorityIsRefused() {
    Path authority = keygen.make("-t", "ed25519");
    String text =
        "@cert-authority *.internal %s\n@revoked * %%s\n"
            .formatted(SshKeygen.publicLine(authority));
    String certificate = signed(authority, "-h", "-n", "db.internal");

    for (String revoked : List.of(SshKeygen.publicLine(authority), line)) {
      assertThat(
              refusal(
                  HostKeys.knownHostsText(text.formatted(revoked)), "db.internal", 22, certificate))
          .contains(" is revoked (the given known hosts, line 2). ");
    }
  }

  @Test
  @DisplayName("T-08: A certificate without an authority in the file counts as the key in it")
  void certificateCountsAsItsKey() {
    String certificate = signed(other, "-h", "-n", "db.internal");

    assertThat(refusal(HostKeys.knownHostsText("bastion " + line), "bastion", 22, certificate))
        .isNull();
    assertThat(refusal(HostKeys.fingerprint(keygen.fingerprint(key)), "bastion", 22, certificate))
        .isNull();
    assertThat(refusal(HostKeys.knownHostsText("bastion " + otherLine), "bastion", 22, certificate))
        .startsWith("Cannot connect to bastion:22: its host key is not the known one: expected");
  }

  @Test
  @DisplayName("T-08: A host certificate whose names were changed after signing is refused")
  void forgedCertificateIsRefused() {
    Path authority = keygen.make("-t", "ed25519");
    String certificate = signed(authority, "-h", "-n", "xx.internal");
    byte[] wire = Base64.getDecoder().decode(certificate.split(" ")[1]);
    String latin = new String(wire, StandardCharsets.ISO_8859_1);
    byte[] forged =
        latin.replace("xx.internal", "db.internal").getBytes(StandardCharsets.ISO_8859_1);
    HostKeys keys = HostKeys.knownHostsText("@cert-authority * " + SshKeygen.publicLine(authority));

    assertThat(refusal(keys, "db.internal", 22, "x " + Base64.getEncoder().encodeToString(forged)))
        .contains("(the given known hosts, line 1), is not signed by its authority. Let the");
  }

  /** The certificate of the key. */
  private String signed(Path authority, String... options) {
    List<String> all = new ArrayList<>(List.of("-q", "-s", authority.toString(), "-I", "test"));
    all.addAll(List.of(options));
    all.add(key + ".pub");
    keygen.run(all.toArray(new String[0]));
    return SshKeygen.read(Path.of(key + "-cert.pub"));
  }

  @Test
  @DisplayName("T-08: The types of key that are known of a host are asked for first")
  void knownTypesAreAskedForFirst() {
    Path rsa = keygen.make("-t", "rsa", "-b", "2048");
    HostKeyCheck check =
        HostKeys.knownHostsText("bastion %s\nother %s\n".formatted(SshKeygen.publicLine(rsa), line))
            .policy()
            .check();

    assertThat(check.findExistingAlgorithms("bastion", 22))
        .containsExactly("ssh-rsa", "rsa-sha2-512", "rsa-sha2-256");
    assertThat(check.findExistingAlgorithms("other", 22)).containsExactly("ssh-ed25519");
    assertThat(check.findExistingAlgorithms("third", 22)).isEmpty();
  }

  @Test
  @DisplayName("T-08: Random files and hosts match as ssh-keygen -F says")
  void randomHostsMatchAsSshKeygenSays() throws IOException {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    Path file = folder.resolve("known_hosts");
    for (int i = 0; i < 60; i++) {
      String hosts = randomText(random, "ab.*?!,", 8);
      String host = randomText(random, "ab.", 4);
      Files.writeString(file, "%s %s\n".formatted(hosts, line));

      boolean expected = keygen.tryRun("-F", host, "-f", file.toString()).exit() == 0;

      assertThat(refusal(HostKeys.knownHosts(file), host, 22, line) == null)
          .as("seed %d: %s in %s", seed, host, hosts)
          .isEqualTo(expected);
    }
  }

  private static String randomText(Random random, String letters, int most) {
    StringBuilder text = new StringBuilder();
    int length = 1 + random.nextInt(most);
    for (int i = 0; i < length; i++) {
      text.append(letters.charAt(random.nextInt(letters.length())));
    }
    return text.toString();
  }

  @Test
  @DisplayName("T-08: What a policy is shows, and the usual file is that of the user")
  void policyShows() {
    assertThat(HostKeys.knownHosts())
        .hasToString("HostKeys[%s/.ssh/known_hosts]".formatted(System.getProperty("user.home")));
    assertThat(HostKeys.trustOnFirstUse(Path.of("/k")))
        .hasToString("HostKeys[/k, new hosts are added]");
  }

  /** Checks a host key; null if it passes. */
  private static String refusal(HostKeys keys, String host, int port, String publicLine) {
    HostKeyCheck check = keys.policy().check();
    boolean passed = check.verify(host, port, SshKeygen.publicKey(publicLine));
    assertThat(passed).isEqualTo(check.refusal() == null);
    if (passed) {
      return null;
    }
    TunnelException refusal = Objects.requireNonNull(check.refusal());
    assertThat(refusal.kind()).isEqualTo(TunnelException.Kind.HOST_KEY);
    return refusal.getMessage();
  }
}
