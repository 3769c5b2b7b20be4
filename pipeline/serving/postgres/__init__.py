"""The PostgreSQL copy: every reader sees one release, whenever it began to read.

    marts, meta             views that readers, their grants and their own views hold on to
    marts_<release>, ...    the rows of one release, with keys and indexes; for nobody
    serving                 what a view reads: a partitioned table for each table, of which
                            each release is a partition, and `current`, one row that says
                            which release counts

A view reads the partition that `serving.current` names. That is a row, so a transaction
sees the one of its snapshot: a REPEATABLE READ reader stays with the release with which it
began, and no reader and no idle connection holds an export up. A view is only made anew
where the columns of its table changed.

    connection   to the server, and what its errors mean
    types        the columns of a release as PostgreSQL has them
    loads        releases in the database: begun, attached, current, superseded, dropped
    copying      rows and indexes of a release, by COPY
    views        what readers see, and what depends on it
    access       roles, grants and comments
    export       the steps in their order
"""
