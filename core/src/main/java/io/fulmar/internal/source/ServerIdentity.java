package io.fulmar.internal.source;

import java.time.Instant;

/**
 * Which database a snapshot was taken of, and where its history stood.
 *
 * @param at the moment of the snapshot, by the server's clock
 * @param database name of the database
 * @param system system identifier of the cluster
 * @param timeline timeline of the cluster: another one after a promotion or a restore
 * @param position position in the write-ahead log, in bytes
 */
public record ServerIdentity(
    Instant at, String database, long system, int timeline, long position) {}
