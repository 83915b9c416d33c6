package io.fulmar.tunnel.internal.keys;

import com.hierynomus.sshj.userauth.keyprovider.OpenSSHKeyV1KeyFile;
import io.fulmar.Secret;
import io.fulmar.TunnelException;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.RSAKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import net.schmizz.sshj.common.Buffer;
import net.schmizz.sshj.common.ECDSACurve;
import net.schmizz.sshj.common.ECDSAKeyFactory;
import net.schmizz.sshj.common.Ed25519KeyFactory;
import net.schmizz.sshj.userauth.keyprovider.BaseFileKeyProvider;
import net.schmizz.sshj.userauth.keyprovider.PKCS8KeyFile;
import net.schmizz.sshj.userauth.keyprovider.PuTTYKeyFile;
import net.schmizz.sshj.userauth.password.PasswordFinder;
import net.schmizz.sshj.userauth.password.Resource;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.pkcs.RSAPrivateKey;
import org.bouncycastle.asn1.sec.ECPrivateKey;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.crypto.params.AsymmetricKeyParameter;
import org.bouncycastle.crypto.params.DSAPrivateKeyParameters;
import org.bouncycastle.crypto.params.ECNamedDomainParameters;
import org.bouncycastle.crypto.params.ECPrivateKeyParameters;
import org.bouncycastle.crypto.params.ECPublicKeyParameters;
import org.bouncycastle.crypto.params.Ed25519PrivateKeyParameters;
import org.bouncycastle.crypto.params.RSAKeyParameters;
import org.bouncycastle.crypto.params.RSAPrivateCrtKeyParameters;
import org.bouncycastle.crypto.util.OpenSSHPublicKeyUtil;
import org.bouncycastle.crypto.util.PrivateKeyFactory;
import org.jspecify.annotations.Nullable;

/**
 * Reads the text of one private key, in any of the usual formats, or says what is wrong with it.
 * What libraries say of a key that they cannot read is not passed on: it may quote it.
 */
final class PrivateKeyReader {
  private static final Pattern BEGIN =
      Pattern.compile(
          "^[ \t]*-----BEGIN ([A-Z0-9 ]*?) ?PRIVATE KEY-----[ \t]*$", Pattern.MULTILINE);
  private static final Pattern PUBLIC =
      Pattern.compile(
          "\\A(?:(?:ssh|ecdsa|sk)-[-a-z0-9]+(?:@openssh\\.com)? AAAA"
              + "|-----BEGIN (?:RSA )?PUBLIC KEY-----|---- BEGIN SSH2 PUBLIC KEY ----)");

  private static final Pattern TYPE = Pattern.compile("[-a-z0-9.@]{1,64}");

  private static final String MAKE_ED25519 = "Make an Ed25519 key: ssh-keygen -t ed25519.";
  private static final String GIVE_WHOLE = "Give the whole file, as it was made.";

  private static final Map<ASN1ObjectIdentifier, ECDSACurve> CURVES =
      Map.of(
          SECObjectIdentifiers.secp256r1, ECDSACurve.SECP256R1,
          SECObjectIdentifiers.secp384r1, ECDSACurve.SECP384R1,
          SECObjectIdentifiers.secp521r1, ECDSACurve.SECP521R1);

  private final String doing;
  private final @Nullable Secret passphrase;

  /**
   * Makes a reader for one key.
   *
   * @param doing what cannot be done if it is unusable, for errors
   * @param passphrase for an encrypted key
   */
  PrivateKeyReader(String doing, @Nullable Secret passphrase) {
    this.doing = doing;
    this.passphrase = passphrase;
  }

  /**
   * Reads a key.
   *
   * @throws TunnelException of kind {@code USER_KEY} if it cannot be used
   */
  KeyPair read(String text) {
    String given = text.startsWith("\uFEFF") ? text.substring(1) : text;
    if (given.isBlank()) {
      throw bad("it is empty", "Give a private key.");
    }
    KeyPair pair = given.startsWith("PuTTY-User-Key-File-") ? putty(given) : pem(given);
    if (pair.getPublic() instanceof RSAKey rsa
        && rsa.getModulus().bitLength() < HostKey.MIN_RSA_BITS) {
      throw bad(
          "it is an RSA key of %s bits, and fewer than %s are not accepted"
              .formatted(rsa.getModulus().bitLength(), HostKey.MIN_RSA_BITS),
          MAKE_ED25519);
    }
    if (!belongTogether(pair)) {
      throw bad("its public and its private part do not belong together", GIVE_WHOLE);
    }
    return pair;
  }

  private KeyPair pem(String text) {
    Matcher begin = BEGIN.matcher(text);
    if (!begin.find()) {
      if (text.contains("PRIVATE KEY-----")) {
        throw bad("its line breaks are missing", "Give the key with the line breaks that it had.");
      }
      if (PUBLIC.matcher(text.strip()).find()) {
        throw bad(
            "it is a public key",
            "Give the private key; of the two files that ssh-keygen makes it is the one without"
                + " .pub.");
      }
      throw bad(
          "its format is unknown", "Give a private key in the format of OpenSSH, PEM or PuTTY.");
    }
    String label = begin.group(1);
    List<String> lines = text.substring(begin.start()).lines().map(String::strip).toList();
    int end =
        (int) lines.stream().skip(1).takeWhile(line -> !line.startsWith("-----END ")).count() + 1;
    if (end >= lines.size()) {
      throw bad("it is cut off: the END line is missing", GIVE_WHOLE);
    }
    String block = String.join("\n", lines.subList(0, end + 1)) + "\n";
    boolean headers = lines.subList(1, end).contains("Proc-Type: 4,ENCRYPTED");
    return switch (label) {
      case "OPENSSH" -> openSsh(block, decoded(lines.subList(1, end)));
      case "ENCRYPTED" -> encryptedPkcs8(decoded(lines.subList(1, end)));
      case "" -> plain(() -> pkcs8(decoded(lines.subList(1, end))));
      case "RSA" ->
          headers
              ? decrypted(phrase -> provided(new PKCS8KeyFile(), block, phrase))
              : plain(() -> pkcs1(decoded(lines.subList(1, end))));
      case "EC" ->
          headers
              ? decrypted(phrase -> provided(new PKCS8KeyFile(), block, phrase))
              : plain(() -> sec1(decoded(lines.subList(1, end))));
      case "DSA" -> throw dsa();
      default -> throw unsupported(label);
    };
  }

  private byte[] decoded(List<String> lines) {
    try {
      return Base64.getDecoder().decode(String.join("", lines));
    } catch (IllegalArgumentException e) {
      throw damaged();
    }
  }

  // What each format says of itself

  private KeyPair openSsh(String block, byte[] body) {
    boolean encrypted;
    String type;
    try {
      Buffer.PlainBuffer buffer = new Buffer.PlainBuffer(body);
      buffer.readRawBytes(new byte[OpenSshKeyFormat.MAGIC.length]);
      encrypted = !buffer.readString().equals("none");
      buffer.readString();
      buffer.readBytes();
      buffer.readUInt32();
      type = new Buffer.PlainBuffer(buffer.readBytes()).readString();
    } catch (Buffer.BufferException | RuntimeException e) {
      throw damaged();
    }
    refuseType(type);
    return encrypted
        ? decrypted(phrase -> provided(new OpenSSHKeyV1KeyFile(), block, phrase))
        : plain(() -> provided(new OpenSSHKeyV1KeyFile(), block, null));
  }

  private KeyPair putty(String text) {
    Map<String, String> headers =
        text.lines()
            .map(line -> line.split(": ", 2))
            .filter(parts -> parts.length == 2)
            .collect(Collectors.toMap(parts -> parts[0], parts -> parts[1].strip(), (a, b) -> a));
    String version =
        Objects.requireNonNullElse(headers.get("PuTTY-User-Key-File-3"), "")
            + Objects.requireNonNullElse(headers.get("PuTTY-User-Key-File-2"), "");
    if (version.isEmpty()) {
      throw bad(
          "its format is a version of PuTTY's that is not supported",
          "Save it anew with PuTTYgen, in version 2 or 3.");
    }
    refuseType(version);
    return "none".equals(headers.get("Encryption"))
        ? plain(() -> provided(new PuTTYKeyFile(), text, null))
        : decrypted(phrase -> provided(new PuTTYKeyFile(), text, phrase));
  }

  private void refuseType(String type) {
    if (!TYPE.matcher(type).matches()) {
      throw damaged();
    }
    if (type.equals("ssh-dss")) {
      throw dsa();
    }
    if (type.startsWith("sk-")) {
      throw bad(
          "its secret is in a security key (%s), which somebody has to touch".formatted(type),
          MAKE_ED25519);
    }
    if (!HostKey.TYPES.contains(type)) {
      throw unsupported(type);
    }
  }

  private KeyPair encryptedPkcs8(byte[] body) {
    return decrypted(
        phrase -> {
          EncryptedPrivateKeyInfo info = new EncryptedPrivateKeyInfo(body);
          String algorithm = info.getAlgParameters().toString();
          PBEKeySpec spec = new PBEKeySpec(phrase);
          try {
            Cipher cipher = Cipher.getInstance(algorithm);
            cipher.init(
                Cipher.DECRYPT_MODE,
                SecretKeyFactory.getInstance(algorithm).generateSecret(spec),
                info.getAlgParameters());
            return pkcs8(info.getKeySpec(cipher).getEncoded());
          } finally {
            spec.clearPassword();
          }
        });
  }

  private KeyPair pkcs8(byte[] der) throws IOException, GeneralSecurityException {
    return pair(PrivateKeyFactory.createKey(PrivateKeyInfo.getInstance(der)));
  }

  private KeyPair pkcs1(byte[] der) throws IOException, GeneralSecurityException {
    return pair(
        PrivateKeyFactory.createKey(
            new PrivateKeyInfo(
                new AlgorithmIdentifier(PKCSObjectIdentifiers.rsaEncryption),
                RSAPrivateKey.getInstance(der))));
  }

  private KeyPair sec1(byte[] der) throws IOException, GeneralSecurityException {
    ECPrivateKey key = ECPrivateKey.getInstance(der);
    return pair(
        PrivateKeyFactory.createKey(
            new PrivateKeyInfo(
                new AlgorithmIdentifier(
                    X9ObjectIdentifiers.id_ecPublicKey, key.getParametersObject()),
                key)));
  }

  /** Makes of a private key the pair, with objects of the kind that sshj makes, too. */
  private KeyPair pair(AsymmetricKeyParameter key) throws IOException, GeneralSecurityException {
    if (key instanceof Ed25519PrivateKeyParameters ed25519) {
      return new KeyPair(
          publicKey(ed25519.generatePublicKey()),
          Ed25519KeyFactory.getPrivateKey(ed25519.getEncoded()));
    }
    if (key instanceof RSAPrivateCrtKeyParameters rsa) {
      RSAPrivateKey crt =
          new RSAPrivateKey(
              rsa.getModulus(),
              rsa.getPublicExponent(),
              rsa.getExponent(),
              rsa.getP(),
              rsa.getQ(),
              rsa.getDP(),
              rsa.getDQ(),
              rsa.getQInv());
      byte[] encoded =
          new PrivateKeyInfo(new AlgorithmIdentifier(PKCSObjectIdentifiers.rsaEncryption), crt)
              .getEncoded();
      PrivateKey decoded =
          KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(encoded));
      return new KeyPair(
          publicKey(new RSAKeyParameters(false, rsa.getModulus(), rsa.getPublicExponent())),
          decoded);
    }
    if (key instanceof ECPrivateKeyParameters ec) {
      ECDSACurve curve =
          Optional.of(ec.getParameters())
              .filter(ECNamedDomainParameters.class::isInstance)
              .map(named -> CURVES.get(((ECNamedDomainParameters) named).getName()))
              .orElseThrow(() -> unsupported("ECDSA with a curve other than P-256, P-384, P-521"));
      return new KeyPair(
          publicKey(
              new ECPublicKeyParameters(
                  ec.getParameters().getG().multiply(ec.getD()), ec.getParameters())),
          ECDSAKeyFactory.getPrivateKey(ec.getD(), curve));
    }
    throw key instanceof DSAPrivateKeyParameters ? dsa() : unsupported("another algorithm");
  }

  private static PublicKey publicKey(AsymmetricKeyParameter key) throws IOException {
    return new Buffer.PlainBuffer(OpenSSHPublicKeyUtil.encodePublicKey(key)).readPublicKey();
  }

  // Decoding

  private interface Decoding {
    KeyPair decode() throws IOException, GeneralSecurityException;
  }

  private interface Decryption {
    KeyPair decrypt(char[] passphrase) throws IOException, GeneralSecurityException;
  }

  private KeyPair plain(Decoding decoding) {
    try {
      return decoding.decode();
    } catch (TunnelException e) {
      throw e;
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      throw damaged();
    }
  }

  private KeyPair decrypted(Decryption decryption) {
    if (passphrase == null) {
      throw bad(
          "it is encrypted, and there is no passphrase for it",
          "Give the passphrase as a Secret with the key.");
    }
    char[] phrase = SecretText.of(doing, "the passphrase", passphrase).toCharArray();
    try {
      return decryption.decrypt(phrase);
    } catch (TunnelException e) {
      throw e;
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      throw bad(
          "it could not be decrypted with its passphrase",
          "Try the passphrase with ssh-keygen -y -f on a copy of the key (PuTTY: puttygen -L).");
    }
  }

  private static KeyPair provided(
      BaseFileKeyProvider provider, String text, char @Nullable [] phrase) throws IOException {
    provider.init(text, null, phrase == null ? null : new OnePhrase(phrase));
    return new KeyPair(provider.getPublic(), provider.getPrivate());
  }

  /** Gives what it has, once and for all. Whoever gets it wipes it. */
  private record OnePhrase(char[] phrase) implements PasswordFinder {
    @Override
    public char[] reqPassword(@Nullable Resource<?> resource) {
      return phrase.clone();
    }

    @Override
    public boolean shouldRetry(@Nullable Resource<?> resource) {
      return false;
    }

    @Override
    public String toString() {
      return "OnePhrase[***]";
    }
  }

  private static boolean belongTogether(KeyPair pair) {
    try {
      Signature signature =
          Signature.getInstance(
              switch (pair.getPrivate().getAlgorithm()) {
                case "RSA" -> "SHA256withRSA";
                case "EC", "ECDSA" -> "SHA256withECDSA";
                default -> "Ed25519";
              });
      signature.initSign(pair.getPrivate());
      signature.update(OpenSshKeyFormat.MAGIC);
      byte[] signed = signature.sign();
      signature.initVerify(pair.getPublic());
      signature.update(OpenSshKeyFormat.MAGIC);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  // Errors

  private TunnelException damaged() {
    return bad("it is damaged or cut off", GIVE_WHOLE);
  }

  private TunnelException dsa() {
    return bad("it is a DSA key, which SSH servers have not accepted for years", MAKE_ED25519);
  }

  private TunnelException unsupported(String type) {
    return bad(
        "its type is not supported: %s; Ed25519, ECDSA and RSA are".formatted(type), MAKE_ED25519);
  }

  private TunnelException bad(String fact, String remedy) {
    return new TunnelException(TunnelException.Kind.USER_KEY, doing, fact, remedy, null);
  }
}
