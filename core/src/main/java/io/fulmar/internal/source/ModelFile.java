package io.fulmar.internal.source;

import io.fulmar.ConfigurationException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reads the text of a model out of a file or a resource. */
public final class ModelFile {
  private static final int MAX_BYTES = 1_000_000;
  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private ModelFile() {}

  /**
   * The text of a file.
   *
   * @param model whose text it is
   * @throws ConfigurationException if it cannot be read, is too large or not UTF-8
   */
  public static String read(String model, Path file) {
    String place = "the file " + file;
    try (InputStream in = Files.newInputStream(file)) {
      return text(model, place, in);
    } catch (IOException e) {
      throw unreadable(model, place, e);
    }
  }

  /**
   * The text of a resource.
   *
   * @param model whose text it is
   * @param beside whose class loader finds it
   * @param resource its name
   * @throws ConfigurationException if it is not found, is too large or not UTF-8
   */
  public static String read(String model, Class<?> beside, String resource) {
    String place = "the resource " + resource + " of " + beside.getName();
    try (InputStream in = beside.getResourceAsStream(resource)) {
      if (in == null) {
        String remedy =
            beside.getModule().isNamed()
                ? "Look at its name, and let the module %s open the package to io.fulmar.core"
                    .formatted(beside.getModule().getName())
                : "Look at its name: without a / in front it is looked for in the package of the class";
        throw refused(model, place, "it is not found", remedy);
      }
      return text(model, place, in);
    } catch (IOException e) {
      throw unreadable(model, place, e);
    }
  }

  private static String text(String model, String place, InputStream in) throws IOException {
    byte[] bytes = in.readNBytes(MAX_BYTES + 1);
    if (bytes.length > MAX_BYTES) {
      throw refused(
          model, place, "it has more than 1,000,000 bytes", "Make it one query, or a view");
    }
    String text;
    ByteBuffer left = ByteBuffer.wrap(bytes);
    try {
      text =
          StandardCharsets.UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .onUnmappableCharacter(CodingErrorAction.REPORT)
              .decode(left)
              .toString();
    } catch (CharacterCodingException e) {
      throw refused(
          model,
          place,
          "it is not UTF-8: the first wrong byte is number " + (left.position() + 1),
          "Save it as UTF-8");
    }
    if (!text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK) {
      text = text.substring(1);
    }
    if (text.isBlank()) {
      throw refused(model, place, "it is blank", "Write the query into it");
    }
    return text;
  }

  private static ConfigurationException unreadable(String model, String place, IOException e) {
    String fact =
        e instanceof NoSuchFileException
            ? "it does not exist"
            : "it cannot be read (" + e.getClass().getSimpleName() + ")";
    return new ConfigurationException(
        message(model, place, fact, "Look at its path and its permissions"), e);
  }

  private static ConfigurationException refused(
      String model, String place, String fact, String remedy) {
    return new ConfigurationException(message(model, place, fact, remedy));
  }

  private static String message(String model, String place, String fact, String remedy) {
    return "Cannot read the model %s from %s: %s. %s. [model=%s]"
        .formatted(model, place, fact, remedy, model);
  }
}
