package serve

import (
	"errors"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"cutthrough/impl/server"
	"cutthrough/impl/wire"
)

// identities is the numbers of users or groups. Each Set adds to them.
type identities struct {
	ids    *[]uint32
	kind   string
	lookup func(name string) (number string, err error)
}

// users returns a setting that adds to ids the users that it lists.
func users(ids *[]uint32) *identities {
	return &identities{ids, "USERS", func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	}}
}

// groups returns a setting that adds to ids the groups that it lists.
func groups(ids *[]uint32) *identities {
	return &identities{ids, "GROUPS", func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	}}
}

// Set implements [pflag.Value].
func (i *identities) Set(text string) error {
	for word := range strings.SplitSeq(text, ",") {
		id, err := i.number(strings.TrimSpace(word))
		if err != nil {
			return err
		}
		*i.ids = append(*i.ids, id)
	}
	return nil
}

// number returns the number of a user or group that is named by it or by name.
func (i *identities) number(word string) (uint32, error) {
	if word == "" {
		return 0, errors.New("want names or numbers with commas between them")
	}
	n, err := strconv.ParseUint(word, 10, 32)
	if err == nil {
		return uint32(n), nil
	}
	if word, err = i.lookup(word); err == nil {
		n, err = strconv.ParseUint(word, 10, 32)
	}
	return uint32(n), err
}

// String implements [pflag.Value].
func (i *identities) String() string {
	if i.ids == nil {
		return ""
	}
	var all []string
	for _, id := range *i.ids {
		all = append(all, strconv.FormatUint(uint64(id), 10))
	}
	return strings.Join(all, ",")
}

// Type implements [pflag.Value].
func (i *identities) Type() string { return i.kind }

// allow returns the policy that lets root, users and members of groups attach. A process is a member by the group that it
// runs with, or because memberOf says so of its user.
func allow(users, groups []uint32, memberOf func(uid uint32) []uint32) server.Policy {
	byUser := server.AllowUsers(users...)
	isMember := func(gid uint32) bool { return slices.Contains(groups, gid) }
	return func(a server.Applicant) wire.Status {
		status := byUser(a)
		if status == wire.Denied && len(groups) > 0 && (isMember(a.Peer.GID) || slices.ContainsFunc(memberOf(a.Peer.UID), isMember)) {
			return wire.OK
		}
		return status
	}
}

// memberships returns the groups of a user, as the machine's database says now. A user that it does not know has none.
func memberships(uid uint32) []uint32 {
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return nil
	}
	words, err := u.GroupIds()
	if err != nil {
		return nil
	}
	var gids []uint32
	for _, word := range words {
		if gid, err := strconv.ParseUint(word, 10, 32); err == nil {
			gids = append(gids, uint32(gid))
		}
	}
	return gids
}
