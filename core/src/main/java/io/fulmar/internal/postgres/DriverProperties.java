package io.fulmar.internal.postgres;

import java.util.Map;
import java.util.TreeMap;

/**
 * What becomes of each property that pgjdbc knows, if it stands in a URL. What is in none of the
 * lists, since a newer driver brings it, is refused.
 */
public final class DriverProperties {
  private static final String NO_SETTER = " and has no setter: leave it out";

  /** What is done with a property. */
  public sealed interface Treatment {
    /**
     * Taken over.
     *
     * @param option the setter that it is for
     */
    record Taken(String option) implements Treatment {}

    /**
     * Always the same; that value may be given.
     *
     * @param value the only one
     * @param why another is refused, with what to do
     */
    record Forced(String value, String why) implements Treatment {}

    /**
     * Not used.
     *
     * @param why, with what to do
     */
    record Refused(String why) implements Treatment {}
  }

  private static final Map<String, Treatment> TREATMENTS = treatments();

  private DriverProperties() {}

  /** What becomes of a property. */
  public static Treatment treatment(String name) {
    Treatment known = TREATMENTS.get(name);
    return known != null
        ? known
        : new Treatment.Refused("it is not known here, so nobody has looked at what it does");
  }

  /** Whether somebody has looked at a property. */
  static boolean isKnown(String name) {
    return TREATMENTS.containsKey(name);
  }

  /**
   * What every connection gets, whatever its source says, since a file of defaults on the class
   * path could say otherwise.
   */
  static Map<String, String> forced() {
    Map<String, String> forced = new TreeMap<>();
    TREATMENTS.forEach(
        (name, treatment) -> {
          if (treatment instanceof Treatment.Forced f && !name.startsWith("ssl")) {
            forced.put(name, f.value());
          }
        });
    return forced;
  }

  private static Map<String, Treatment> treatments() {
    Map<String, Treatment> all = new TreeMap<>();
    taken(all);
    forced(all);
    refuse(
        all,
        "it loads a class" + NO_SETTER,
        "authenticationPluginClassName",
        "classLoaderStrategy",
        "connectExecutor",
        "connectExecutorArg",
        "sslfactory",
        "sslfactoryarg",
        "sslhostnameverifier",
        "sslpasswordcallback",
        "xmlFactoryFactory");
    refuse(all, "it loads a class: call socketFactory(...)", "socketFactory", "socketFactoryArg");
    refuse(
        all,
        "it reads or writes files" + NO_SETTER + ", or set it for the driver's java.util.logging",
        "loggerFile",
        "loggerLevel");
    refuse(all, "it reads a file: call the setters instead", "service");
    refuse(
        all,
        "it changes what the session does, which a run relies on: leave it out",
        "options",
        "replication",
        "readOnly",
        "stringtype",
        "queryTimeout",
        "maxResultBuffer",
        "protocolVersion",
        "unknownLength",
        "convertBooleanToNumeric",
        "escapeSyntaxCallMode");
    refuse(all, "each connection is named after what it does: leave it out", "ApplicationName");
    refuse(
        all,
        "the server must prove by SCRAM that it knows the password, unless its certificate is fully"
            + " verified: leave it out, or call allowWeakAuthentication()",
        "requireAuth");
    refuse(
        all,
        "log-in by Kerberos" + NO_SETTER,
        "gsslib",
        "gssResponseTimeout",
        "gssUseDefaultCreds",
        "jaasApplicationName",
        "jaasLogin",
        "kerberosServerName",
        "sspiServiceClass",
        "useSpnego");
    refuse(
        all,
        "it is not needed here" + NO_SETTER,
        "adaptiveFetch",
        "adaptiveFetchMaximum",
        "adaptiveFetchMinimum",
        "binaryTransfer",
        "binaryTransferDisable",
        "binaryTransferEnable",
        "cancelSignalTimeout",
        "cleanupSavepoints",
        "databaseMetadataCacheFields",
        "databaseMetadataCacheFieldsMiB",
        "defaultRowFetchSize",
        "disableColumnSanitiser",
        "flushCacheOnDdl",
        "hideUnprivilegedObjects",
        "hostRecheckSeconds",
        "loadBalanceHosts",
        "localSocketAddress",
        "logServerErrorDetail",
        "logUnclosedConnections",
        "maxSendBufferSize",
        "pemKeyAlgorithm",
        "preparedStatementCacheQueries",
        "preparedStatementCacheSizeMiB",
        "quoteReturningIdentifiers",
        "readOnlyMode",
        "receiveBufferSize",
        "reWriteBatchedInserts",
        "reWriteBatchedInsertsSize",
        "scramMaxIterations",
        "sendBufferSize",
        "sslResponseTimeout",
        "groupStartupParameters",
        "tcpNoDelay");
    return Map.copyOf(all);
  }

  private static void taken(Map<String, Treatment> all) {
    all.put("user", new Treatment.Taken("user"));
    all.put("password", new Treatment.Taken("password"));
    all.put("PGHOST", new Treatment.Taken("host"));
    all.put("PGPORT", new Treatment.Taken("port"));
    all.put("PGDBNAME", new Treatment.Taken("database"));
    all.put("sslrootcert", new Treatment.Taken("tlsRootCertificate"));
    all.put("sslcert", new Treatment.Taken("tlsClientCertificate"));
    all.put("sslkey", new Treatment.Taken("tlsClientKey"));
    all.put("sslpassword", new Treatment.Taken("tlsKeyPassword"));
    all.put("connectTimeout", new Treatment.Taken("connectTimeout"));
    all.put("loginTimeout", new Treatment.Taken("connectTimeout"));
    all.put("socketTimeout", new Treatment.Taken("socketTimeout"));
    all.put("targetServerType", new Treatment.Taken("targetServer"));
    all.put("currentSchema", new Treatment.Taken("searchPath"));
  }

  private static void forced(Map<String, Treatment> all) {
    force(
        all,
        "sslmode",
        "verify-full",
        "less than verify-full is said by a method: leave it out, and call insecureTls(...) or"
            + " withoutTls() if you must");
    force(
        all,
        "ssl",
        "true",
        "less than verified TLS is said by a method: leave it out, and call withoutTls() if you"
            + " must");
    force(all, "sslNegotiation", "postgres", "the request for TLS comes first: leave it out");
    force(
        all,
        "channelBinding",
        "prefer",
        "leave it out, or call requireChannelBinding() instead of require");
    String relied = "a run relies on its value: leave it out";
    force(all, "allowEncodingChanges", "false", relied);
    force(all, "assumeMinServerVersion", "9.0", relied);
    force(all, "autosave", "never", relied);
    force(all, "preferQueryMode", "extended", relied);
    force(all, "prepareThreshold", "0", "a pooler would lose prepared statements: leave it out");
    force(all, "tcpKeepAlive", "true", relied);
    force(
        all,
        "gssEncMode",
        "disable",
        "encryption by Kerberos would take the place of TLS: leave it out");
  }

  private static void force(Map<String, Treatment> all, String name, String value, String why) {
    all.put(name, new Treatment.Forced(value, why));
  }

  private static void refuse(Map<String, Treatment> all, String why, String... names) {
    for (String name : names) {
      all.put(name, new Treatment.Refused(why));
    }
  }
}
